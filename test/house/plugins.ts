import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'mcp-patchbay/sdk'

/** The root of the repository. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** A bundled plugin as the house sees it. */
export interface BundledPlugin {
  readonly name: string
  readonly folder: string
  readonly plugin: Plugin
  readonly readme: string
}

/** Every folder under `plugins/`, by name. */
export async function bundledPlugins(): Promise<BundledPlugin[]> {
  const names = readdirSync(join(ROOT, 'plugins'), { withFileTypes: true })
    .filter((one) => one.isDirectory())
    .map((one) => one.name)
    .sort()
  return Promise.all(
    names.map(async (name) => {
      const folder = join(ROOT, 'plugins', name)
      const { default: plugin } = await import(`../../plugins/${name}/index.ts`)
      return { name, folder, plugin, readme: readFileSync(join(folder, 'README.md'), 'utf8') }
    }),
  )
}
