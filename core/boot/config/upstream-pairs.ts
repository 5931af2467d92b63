import type { Node } from './schema-walk.ts'
import type { Report } from './upstreams.ts'

/** Refuses a `grace` that nothing is ever hidden after. @param common `defaults.upstream` */
export function judgeGrace(
  upstreams: readonly [string, Node][],
  common: Node,
  report: Report,
): void {
  const reason = 'means nothing without `whenDown: hide`'
  const hint = 'Set `whenDown: hide`, or take it out.'
  const hides = (one: Node) => ({ ...common, ...one }).whenDown === 'hide'
  for (const [id, one] of upstreams) {
    if (one.grace !== undefined && !hides(one)) report(['upstreams', id, 'grace'], reason, hint)
  }
  if (common.grace === undefined || hides({}) || upstreams.some(([, one]) => hides(one))) return
  report(['defaults', 'upstream', 'grace'], reason, hint)
}

/** Refuses `era: modern` where the transport has no such revision. @param common `defaults.upstream` */
export function judgeEras(
  upstreams: readonly [string, Node][],
  common: Node,
  report: Report,
): void {
  const reason = 'means nothing with `transport: sse`, which ended before 2026-07-28'
  const hint = 'Take one of the two out.'
  for (const [id, one] of upstreams) {
    const { era, transport } = { ...common, ...one }
    if (era !== 'modern' || transport !== 'sse' || one.command !== undefined) continue
    const own = one.era === undefined ? 'transport' : 'era'
    if (one[own] !== undefined) report(['upstreams', id, own], reason, hint)
    else {
      report(['defaults', 'upstream', 'era'], reason, hint)
      return
    }
  }
}
