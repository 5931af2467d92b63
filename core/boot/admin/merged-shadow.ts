import type { ShadowRow } from '../../services/dry/shadow-report.ts'
import type { CrewAnswer } from '../../services/workers/crew.ts'
import type { ShadowPage } from './shadow-page.ts'

/** What plugins in shadow would have done at all workers. */
export function mergedShadow(own: ShadowPage, others: readonly CrewAnswer[]): ShadowPage {
  const pages = [own, ...others.flatMap((one) => ('value' in one ? one.value : []) as ShadowPage)]
  const missing = others.flatMap((one) => ('value' in one ? [] : one.slot))
  const rows = new Map<string, ShadowRow>()
  for (const row of pages.flatMap((page) => page.rows)) {
    const { count, judged, ...said } = row
    const key = JSON.stringify(said)
    const known = rows.get(key)
    const sum = { count: count + (known?.count ?? 0), judged: judged + (known?.judged ?? 0) }
    rows.set(key, { ...row, ...sum })
  }
  const since = pages.map((page) => page.since).sort()[0] ?? own.since
  return {
    ...own,
    since,
    rows: inOrder([...rows.values()]),
    ...(missing.length === 0 ? {} : { missing }),
  }
}

/** What would have changed something first, most often first. */
function inOrder(rows: ShadowRow[]): ShadowRow[] {
  const isNothing = ({ verdict }: ShadowRow) => ['none', 'pass', 'show'].includes(verdict)
  return rows.sort((a, b) => Number(isNothing(a)) - Number(isNothing(b)) || b.count - a.count)
}
