import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { loadConfig } from '../../../core/boot/config/config.ts'
import type { GatewayConfig } from '../../../core/boot/config/settings.ts'
import { GatewayError, type Problem } from '../../../core/hooks/errors.ts'

/** A folder with these files, gone when the test is over. @returns its path */
export function folder(t: TestContext, files: Readonly<Record<string, string>>): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'patchbay-test-')))
  t.after(() => rmSync(root, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  return root
}

/** Loads `patchbay.yaml` of such a folder. */
export function load(
  t: TestContext,
  files: Readonly<Record<string, string>> | string,
  env: Readonly<Record<string, string>> = {},
): Promise<GatewayConfig> {
  const all = typeof files === 'string' ? { 'patchbay.yaml': files } : files
  return loadConfig(join(folder(t, all), 'patchbay.yaml'), { env })
}

/** The problems of a config that must not load, with places relative to its folder. */
export async function problems(
  t: TestContext,
  files: Readonly<Record<string, string>> | string,
  env: Readonly<Record<string, string>> = {},
): Promise<(Problem & { text: string })[]> {
  const all = typeof files === 'string' ? { 'patchbay.yaml': files } : files
  const root = folder(t, all)
  try {
    await loadConfig(join(root, 'patchbay.yaml'), { env })
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    const lines = error.message.replaceAll(`${root}/`, '').split('\n')
    return error.problems.map((one, index) => ({ ...one, text: lines[index] as string }))
  }
  throw new Error('the config was accepted')
}

/** A plugin that does nothing, as source text. */
export function pluginSource(parts = '', name = 'sample'): string {
  return `import { definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: '${name}', version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {
    limit: { type: 'integer', minimum: 1, default: 3, description: 'How many.' },
    open: { type: 'boolean', default: false, description: 'Whether.' },
    window: { type: 'string', format: 'duration', default: '1m', description: 'How long.' },
  } },
  setup() { return {} },
  ${parts}
})
`
}
