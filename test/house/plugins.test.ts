import assert from 'node:assert/strict'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkPlugin } from 'mcp-patchbay/sdk/testing'
import { run } from '../../core/boot/commands/command-line.ts'
import { loadConfig } from '../../core/boot/config/config.ts'
import { startGateway } from '../../core/boot/gateway.ts'
import { makeLog } from '../../core/boot/log.ts'
import { examples } from '../../sdk/testing/readme.ts'
import { bundledPlugins, ROOT } from './plugins.ts'

async function check(file: string): Promise<void> {
  const said: string[] = []
  const line = (text: string) => said.push(text)
  const code = await run(['check', file], { out: line, err: line })
  assert.equal(code, 0, said.join('\n'))
}

for (const { name, folder, plugin, readme } of await bundledPlugins()) {
  test(`${name}: the folder holds index.ts, a test and a README`, () => {
    for (const file of ['index.ts', `${name}.test.ts`, 'README.md']) {
      assert.ok(existsSync(join(folder, file)), `plugins/${name}/${file} is missing`)
    }
  })

  test(`${name}: it keeps to what every plugin is held to`, async () => {
    assert.match(readFileSync(join(folder, `${name}.test.ts`), 'utf8'), /checkPlugin\(/)
    await checkPlugin(plugin, { folder })
  })

  test(`${name}: every example of its README passes and starts as it stands`, async (t) => {
    const room = mkdtempSync(join(tmpdir(), 'patchbay-examples-'))
    t.after(() => rmSync(room, { recursive: true }))
    for (const [index, { text }] of examples(readme).entries()) {
      const file = join(room, `${index}.yaml`)
      writeFileSync(file, text)
      await check(file)
      const { admin: _, ...config } = await loadConfig(file)
      // They would be fetched from the network; plugins may know them by their ids all the same.
      const upstreams = config.upstreams.map((one) => ({ ...one, enabled: false }))
      const { stop } = await startGateway(
        { ...config, data: join(room, 'data'), upstreams },
        { log: makeLog({ level: 'error' }) },
      )
      await stop()
    }
  })
}

test('the config that comes with the gateway and every example beside it pass', async () => {
  const files = globSync('config/{patchbay.yaml,examples/**/*.yaml}', { cwd: ROOT })
  assert.ok(files.includes('config/patchbay.yaml'))
  for (const file of files) await check(join(ROOT, file))
})
