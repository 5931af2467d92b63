import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './plugins.ts'

/**
 * Writes files that are made from others. With `--check` on the command line it writes nothing, and the
 * process fails when one is not up to date.
 * @param files path in the repository → the text that should stand there
 * @param command what to run when one is not
 */
export function writeFresh(files: ReadonlyMap<string, string>, command: string): void {
  const check = process.argv.includes('--check')
  for (const [path, text] of files) {
    const file = join(ROOT, path)
    if (current(file) === text) continue
    if (check) {
      console.error(`${path} is out of date. Run \`${command}\`.`)
      process.exitCode = 1
    } else {
      writeFileSync(file, text)
      console.log(`wrote ${path}`)
    }
  }
}

function current(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
