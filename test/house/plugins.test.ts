import assert from 'node:assert/strict'
import { existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Schema } from 'mcp-patchbay/sdk'
import { run } from '../../core/boot/commands/command-line.ts'
import { loadConfig } from '../../core/boot/config/config.ts'
import { mapSchema } from '../../core/boot/config/schema-walk.ts'
import { checkSchema } from '../../core/boot/config/validator.ts'
import { startGateway } from '../../core/boot/gateway.ts'
import { makeLog } from '../../core/boot/log.ts'
import { bundledPlugins, examples, ROOT } from './plugins.ts'

async function check(file: string): Promise<void> {
  const said: string[] = []
  const line = (text: string) => said.push(text)
  const code = await run(['check', file], { out: line, err: line })
  assert.equal(code, 0, said.join('\n'))
}

/** Properties anywhere in a schema that have no description. */
function undescribed(schema: Schema): string[] {
  const found: string[] = []
  mapSchema(schema, (node) => {
    for (const [name, property] of Object.entries(node.properties ?? {})) {
      // In `if` and `then` properties are only mentioned.
      if (node.type !== undefined && !(property as Schema).description) found.push(name)
    }
    return node
  })
  return found
}

for (const { name, folder, plugin, readme } of await bundledPlugins()) {
  test(`${name}: the folder holds index.ts, a test and a README`, () => {
    for (const file of ['index.ts', `${name}.test.ts`, 'README.md']) {
      assert.ok(existsSync(join(folder, file)), `plugins/${name}/${file} is missing`)
    }
  })

  test(`${name}: the plugin is called like its folder`, () => {
    assert.equal(plugin.name, name)
  })

  test(`${name}: its schemas are strict, closed and described`, () => {
    const claimed = plugin.upstreamSettings?.schema
    for (const schema of [plugin.configSchema, ...(claimed === undefined ? [] : [claimed])]) {
      assert.deepEqual(checkSchema(schema), [])
      assert.deepEqual(undescribed(schema), [])
    }
  })

  test(`${name}: its README has the sections every plugin has`, () => {
    const prose = readme.replace(/^```.*?^```$/gms, '')
    assert.deepEqual(prose.match(/^##? .*$/gm), [
      `# ${name}`,
      '## What it does',
      '## Settings',
      '## Examples',
      '## Limits',
    ])
  })

  test(`${name}: every example of its README is a config that passes and starts`, async (t) => {
    const blocks = examples(readme)
    assert.ok(blocks.length > 0, 'there is no example')
    const room = mkdtempSync(join(tmpdir(), 'patchbay-examples-'))
    t.after(() => rmSync(room, { recursive: true }))
    for (const [index, block] of blocks.entries()) {
      const file = join(room, `${index}.yaml`)
      writeFileSync(file, block)
      await check(file)
      const { admin: _, ...config } = await loadConfig(file)
      // Their upstreams would be fetched from the network.
      const { stop } = await startGateway(
        { ...config, data: join(room, 'data'), upstreams: [] },
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
