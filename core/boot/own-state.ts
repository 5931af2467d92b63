import type { Clock, KeyValue } from '../../sdk/index.ts'
import type { SessionStore } from '../inbound/sessions.ts'
import type { Spent } from '../kernel/pauses.ts'
import type { Traces } from '../kernel/ports.ts'
import { ExpiringSet } from '../services/expiring-set.ts'
import type { SessionArchive } from '../services/session-archive.ts'
import { PluginTraces } from '../services/traces.ts'
import type { OwnServices } from './loading/set-up-order.ts'

/** Which states of paused calls were spent: in this process, or wherever a plugin's `KeyValue` keeps it. */
export function spentStates(keyValue: KeyValue | undefined, clock: Clock): Spent {
  if (keyValue !== undefined) {
    return { add: (nonce, ttl) => keyValue.add(`spent/${nonce}`, '1', { ttl }) }
  }
  const spent = new ExpiringSet(() => clock.now())
  return { add: (nonce, ttl) => spent.claim(nonce, ttl) }
}

/**
 * What sessions said: in the gateway's database, or wherever a plugin's `KeyValue` keeps it.
 * @param telling whether replicas tell each other what changed
 * @param fault told of what the database could not keep or read: then it is as if nothing were kept
 */
export function sessionStore(
  keyValue: KeyValue | undefined,
  archive: SessionArchive,
  telling: boolean,
  clock: Clock,
  fault: (cause: unknown) => void,
): SessionStore {
  if (keyValue === undefined) return archived(archive, fault)
  const entry = (expires: number) => ({ ttl: Math.max(1, expires - clock.now()) })
  // What ended it has a key of its own, so that no late word of the session can overwrite that.
  return {
    shared: !telling,
    async load(nonce) {
      const [ended, text] = await Promise.all([
        keyValue.get(`ended/${nonce}`),
        keyValue.get(`session/${nonce}`),
      ])
      if (ended !== undefined) return { ended: true }
      return text === undefined ? undefined : { ended: false, ...JSON.parse(text) }
    },
    save: (nonce, state, used, expires) =>
      keyValue.set(`session/${nonce}`, JSON.stringify({ state, used }), entry(expires)),
    end: (nonce, expires) => keyValue.set(`ended/${nonce}`, '1', entry(expires)),
  }
}

function archived(archive: SessionArchive, fault: (cause: unknown) => void): SessionStore {
  return {
    shared: false,
    async load(nonce) {
      try {
        const row = await archive.load(nonce)
        return row === undefined ? undefined : { ...row, state: JSON.parse(row.state) }
      } catch (cause) {
        return fault(cause) as undefined
      }
    },
    save: (nonce, state, used, expires) =>
      archive.save(nonce, JSON.stringify(state), used, expires),
    end: (nonce, expires) => archive.end(nonce, expires),
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
