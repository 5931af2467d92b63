import type { Clock, KeyValue, Maybe } from '../../sdk/index.ts'
import { isPromise } from '../hooks/hooks.ts'
import type { Revocations } from '../inbound/session.ts'
import type { Spent } from '../kernel/pauses.ts'
import type { Traces } from '../kernel/ports.ts'
import { ExpiringSet } from '../services/expiring-set.ts'
import { PluginTraces } from '../services/traces.ts'
import type { OwnServices } from './loading/set-up-order.ts'

/** How many ended sessions are remembered here; the oldest are forgotten first. */
const ENDED_SESSIONS = 100_000
/** Longer than any session lives, in milliseconds. */
const LIFETIME = 8 * 24 * 60 * 60_000

/** Which states of paused calls were spent: in this process, or wherever a plugin's `KeyValue` keeps it. */
export function spentStates(keyValue: KeyValue | undefined, clock: Clock): Spent {
  if (keyValue !== undefined) {
    return { add: (nonce, ttl) => keyValue.add(`spent/${nonce}`, '1', { ttl }) }
  }
  const spent = new ExpiringSet(() => clock.now())
  return { add: (nonce, ttl) => spent.claim(nonce, ttl) }
}

/**
 * Which sessions were ended: in this process, or wherever a plugin's `KeyValue` keeps it.
 * @param fault told when the end of a session could not be kept there
 */
export function endedSessions(
  keyValue: KeyValue | undefined,
  clock: Clock,
  fault: (cause: unknown) => void,
): Revocations {
  const here = new ExpiringSet(() => clock.now(), ENDED_SESSIONS)
  if (keyValue === undefined) return here
  return {
    has: (nonce) => here.has(nonce),
    add(nonce, ttl) {
      here.add(nonce, ttl)
      try {
        const kept = keyValue.set(`ended/${nonce}`, '1', { ttl })
        if (isPromise(kept)) kept.catch(fault)
      } catch (cause) {
        fault(cause)
      }
    },
    learn(nonce): Maybe<void> {
      if (here.has(nonce)) return undefined
      const take = (found: string | undefined) => {
        if (found !== undefined) here.add(nonce, LIFETIME)
      }
      const found = keyValue.get(`ended/${nonce}`)
      return isPromise(found) ? found.then(take) : take(found)
    },
  }
}

/**
 * The traces of whoever provides a tracer; `null` when nobody does.
 * @param failed told of the plugin and what its tracer threw
 */
export function tracesOf(
  tracer: OwnServices['tracer'],
  failed: (plugin: string, cause: unknown) => void,
): Traces | null {
  if (!tracer?.service) return null
  const { plugin, service } = tracer
  return new PluginTraces(service, (cause) => failed(plugin, cause))
}
