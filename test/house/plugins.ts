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

/** The ```yaml blocks of a README's section `Examples`. */
export function examples(readme: string): string[] {
  const section = sectionOf(readme, 'Examples')
  return [...section.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, block]) => block as string)
}

/** What stands under a heading of the second level, up to the next. */
export function sectionOf(readme: string, heading: string): string {
  const [, ...after] = readme.split(new RegExp(`^## ${heading}$`, 'm'))
  return (after[0] ?? '').split(/^## /m)[0] as string
}
