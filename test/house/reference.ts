// Writes what is made from the doc comments of the SDK: its reference.
// With --check it writes nothing and fails when it is not up to date.
import { reference } from './contract.ts'
import { writeFresh } from './freshness.ts'

writeFresh(new Map([['sdk/REFERENCE.md', reference()]]), 'npm run reference')
