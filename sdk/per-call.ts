import type { Call } from './call.ts'

/**
 * State of a plugin's own that lives as long as one round of a call: `const started = perCall(() => clock.now())`,
 * then `started(call)` in any hook gives the same value for the same call.
 */
export function perCall<T>(make: (call: Call) => T): (call: Call) => T {
  const values = new WeakMap<Call, { readonly value: T }>()
  return (call) => {
    let kept = values.get(call)
    if (kept === undefined) {
      kept = { value: make(call) }
      values.set(call, kept)
    }
    return kept.value
  }
}
