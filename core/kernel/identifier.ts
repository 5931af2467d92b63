import type { HookTable } from '../hooks/hooks.ts'
import type { Identify } from './round.ts'

/** Tells whose credentials the upstream of a target sees. */
export function identifier(hooks: HookTable): Identify {
  return (target, caller) => {
    if (hooks.on.identity === null || target?.plugin !== undefined) return ''
    // Unknown must not read like shared: what is stored under it would be told to everybody.
    if (target === undefined) throw new TypeError('no target is chosen: no audience yet')
    return hooks.identity({ upstream: target.upstream, caller })
  }
}
