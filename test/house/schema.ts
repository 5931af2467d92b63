// Writes what is made from schemas: the config's JSON Schema and the tables of the plugins' READMEs.
// With --check it writes nothing and fails when something is not up to date.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generated } from './generated.ts'
import { ROOT } from './plugins.ts'

const check = process.argv.includes('--check')

function current(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

for (const [path, text] of await generated()) {
  const file = join(ROOT, path)
  if (current(file) === text) continue
  if (check) {
    console.error(`${path} is out of date. Run \`npm run schema\`.`)
    process.exitCode = 1
  } else {
    writeFileSync(file, text)
    console.log(`wrote ${path}`)
  }
}
