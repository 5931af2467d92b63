import type { PermittedEntry } from '../../sdk/index.ts'

/**
 * What servers say about how they are meant to be used, under their ids; of those that have one of the entries.
 * @param said by upstream, in config order
 */
export function instructionsOf(
  said: ReadonlyMap<string, string>,
  entries: readonly PermittedEntry[],
): string {
  const used = new Set(entries.flatMap(({ candidates }) => candidates.map((one) => one.upstream)))
  const parts = [...said].flatMap(([id, text]) => (used.has(id) ? `# ${id}\n\n${text}` : []))
  return parts.join('\n\n')
}
