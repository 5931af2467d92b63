// Every recipe in config/examples runs as it stands, its variables set and real servers behind its URLs.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import test from 'node:test'
import { startWith } from '../../fixtures/gateway.ts'
import { modernUpstream } from '../../fixtures/upstreams.ts'
import { Wire } from '../wire/wire.ts'

const FOLDER = new URL('../../../config/examples/', import.meta.url)

/** What variables stand for where neither a server nor any text would do. */
const VALUES: Readonly<Record<string, string>> = {
  ANNA_KEY_SHA256: 'a'.repeat(64),
  BUILD_KEY_SHA256: 'b'.repeat(64),
  COLLECTOR: 'http://127.0.0.1:9',
  ISSUER: 'https://id.example',
}

for (const file of globSync('*.yaml', { cwd: FOLDER }).sort()) {
  test(`config/examples/${file} runs`, { timeout: 60_000 }, async (t) => {
    const text = readFileSync(new URL(file, FOLDER), 'utf8')
    const names = new Set([...text.matchAll(/\$\{(\w+)/g)].map(([, name]) => name as string))
    for (const name of names) {
      const before = process.env[name]
      t.after(() => {
        if (before === undefined) delete process.env[name]
        else process.env[name] = before
      })
      const server = name.endsWith('_URL') && VALUES[name] === undefined
      process.env[name] = server ? (await modernUpstream(t)).url : (VALUES[name] ?? `a ${name}`)
    }
    const own = text.replace(/^data: .*$/m, 'data: ./data')
    const gateway = await startWith(t, own, { portNamed: true })
    await gateway.ready()
    const { status } = await new Wire(t, gateway.url).modern('tools/list')
    // Whoever has no credentials is told so.
    assert.ok(status === 200 || status === 401, String(status))
  })
}

test('there are recipes', () => {
  assert.ok(globSync('*.yaml', { cwd: FOLDER }).length > 0)
})
