import type { ListedEntry } from '../../catalog/ports.ts'
import type { UpstreamConfig } from '../../outbound/settings.ts'

/**
 * Watches upstreams' lists for names in their settings that no tool has: typos, until somebody says
 * otherwise. Each is told once, when a list comes that could have had it.
 * @param tell told where the name stands
 */
export function unmatchedNames(
  upstreams: readonly UpstreamConfig[],
  tell: (upstream: string, where: string) => void,
): (upstream: string, entries: readonly ListedEntry[]) => void {
  const open = new Map(upstreams.map(({ id, named }) => [id, named]))
  return (id, entries) => {
    const tools = entries.filter(({ kind }) => kind === 'tool')
    if (tools.length === 0) return
    for (const { setting, matches } of open.get(id) ?? []) {
      if (!tools.some(({ definition }) => matches(definition.name))) {
        tell(id, `upstreams.${id}.${setting}`)
      }
    }
    open.delete(id)
  }
}
