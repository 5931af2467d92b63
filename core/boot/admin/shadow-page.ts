import type { PluginLine } from '../../hooks/hooks.ts'
import { AdminProblem } from '../../inbound/problem.ts'
import type { CountedShadows, ShadowRow } from '../../services/dry/shadow-report.ts'

/** The page of `/shadow`: what plugins in shadow would have done. What changes incompatibly changes `schema`. */
export interface ShadowPage {
  readonly schema: 1
  /** ISO 8601. */
  readonly since: string
  /** The lines in shadow that this is about. */
  readonly plugins: readonly string[]
  readonly rows: readonly ShadowRow[]
  /** The slots of workers that did not answer: what they counted is not in `rows`. */
  readonly missing?: readonly number[]
}

/** @throws AdminProblem for a plugin line that is not in shadow */
export function shadowPage(
  lines: readonly PluginLine[],
  report: CountedShadows,
  plugin: string | undefined,
): ShadowPage {
  const all = lines.flatMap(({ id, mode }) => (mode === 'shadow' ? id : []))
  if (plugin !== undefined && !all.includes(plugin)) {
    const others = all.length === 0 ? 'No line is' : `In shadow: ${all.join(', ')}`
    const detail = `${plugin} is no plugin line in shadow. ${others}.`
    throw new AdminProblem({ status: 404, code: 'NOT_FOUND', detail })
  }
  return {
    schema: 1,
    since: new Date(report.since).toISOString(),
    plugins: plugin === undefined ? all : [plugin],
    rows: report.rows(plugin),
  }
}
