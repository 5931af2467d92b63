import { judgedRows, type ShadowRow } from '../../services/dry/shadow-report.ts'
import type { CrewAnswer } from '../../services/workers/crew.ts'
import type { ShadowPage } from './shadow-page.ts'

/** What plugins in shadow would have done at all workers. */
export function mergedShadow(own: ShadowPage, others: readonly CrewAnswer[]): ShadowPage {
  const pages = [own, ...others.flatMap((one) => ('value' in one ? one.value : []) as ShadowPage)]
  const missing = others.flatMap((one) => ('value' in one ? [] : one.slot))
  const rows = new Map<string, Omit<ShadowRow, 'judged'>>()
  for (const { judged: _, ...row } of pages.flatMap((page) => page.rows)) {
    const { count, ...said } = row
    const key = JSON.stringify(said)
    rows.set(key, { ...row, count: count + (rows.get(key)?.count ?? 0) })
  }
  const since = pages.map((page) => page.since).sort()[0] ?? own.since
  return {
    ...own,
    since,
    rows: judgedRows([...rows.values()]),
    ...(missing.length === 0 ? {} : { missing }),
  }
}
