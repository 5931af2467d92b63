// Writes what is made from schemas: the config's JSON Schema and the tables of the plugins' READMEs.
// With --check it writes nothing and fails when something is not up to date.
import { writeFresh } from './freshness.ts'
import { generated } from './generated.ts'

writeFresh(await generated(), 'npm run schema')
