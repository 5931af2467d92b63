import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { messageOf, type Problem } from '../../hooks/errors.ts'
import { positionIn, positionOf } from '../../hooks/position.ts'

/** What Node.js says of a module's words in a file that it takes for CommonJS. */
const OUTSIDE = /import statement|'export'|'import\.meta'|await is only valid/

/**
 * Why a plugin's module could not be imported, and where its mistake is. Never rejects.
 * @param url of the module
 */
export async function importFailure(use: string, url: string, cause: unknown): Promise<Problem> {
  const code = 'PLUGIN_IMPORT_FAILED'
  const file = url.startsWith('file:') ? fileURLToPath(url) : undefined
  const manifest = file === undefined ? undefined : commonJs(url, cause)
  if (file !== undefined && manifest !== undefined) {
    const other = basename(file).replace(/\.([tj]s)$/, '.m$1')
    return {
      code,
      reason: `the plugin ${use} is an ES module, and ${manifest} makes it CommonJS`,
      hint: `Write \`"type": "module"\` into that package.json, or call the file ${other}.`,
    }
  }
  const position = positionOf(cause) ?? (await positionByCheck(file, cause))
  const where = position === undefined ? '' : ` (at ${position})`
  return {
    code,
    reason: `the plugin ${use} cannot be imported: ${messageOf(cause)}${where}`,
    hint: 'Mend the plugin, or disable it with `enabled: false`.',
  }
}

/** The package.json that makes a file CommonJS, if that is why it could not be read. */
function commonJs(url: string, cause: unknown): string | undefined {
  if (!/\.[tj]s$/.test(url) || !OUTSIDE.test(messageOf(cause))) return undefined
  const manifest = findPackageJSON(url)
  if (manifest === undefined) return undefined
  const { type } = JSON.parse(readFileSync(manifest, 'utf8')) as { type?: unknown }
  return type === 'commonjs' ? manifest : undefined
}

/** Node.js does not tell where an imported JavaScript module breaks the grammar, but where a checked one does. */
function positionByCheck(file: string | undefined, cause: unknown): Promise<string | undefined> {
  if (file === undefined || !(cause instanceof SyntaxError)) return Promise.resolve(undefined)
  return new Promise((resolve) => {
    execFile(process.execPath, ['--check', file], { timeout: 5_000 }, (_, __, text) =>
      resolve(positionIn(text)),
    )
  })
}
