import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { RunningGateway } from '../../fixtures/gateway.ts'
import { sha256 } from '../admin/door.ts'

/** What a record says. */
export type Fields = Record<string, unknown>

/** Whose keys {@link AUTH} knows. */
export const PEOPLE = ['anna', 'bob', 'carl', 'dora']

/** The header that lets somebody in. */
export function keyOf(id: string): { 'x-api-key': string } {
  return { 'x-api-key': `the key of ${id}` }
}

/** The plugin line that lets them in. */
export const AUTH = {
  use: 'auth-api-key',
  config: { keys: PEOPLE.map((id) => ({ id, sha256: sha256(keyOf(id)['x-api-key']) })) },
}

/** The records of one kind, oldest first, by another connection to the database. */
export function recordsOf({ config }: RunningGateway, kind = 'call'): Fields[] {
  const db = new DatabaseSync(join(config.data, 'patchbay.db'), { readOnly: true })
  const rows = db.prepare('select record from audit__records where kind = ? order by id').all(kind)
  db.close()
  return rows.map(({ record }) => JSON.parse(String(record)))
}

/** How often each word is there. */
export function tally(words: readonly unknown[]): Fields {
  const counts: Record<string, number> = {}
  for (const word of words) counts[String(word)] = (counts[String(word)] ?? 0) + 1
  return counts
}
