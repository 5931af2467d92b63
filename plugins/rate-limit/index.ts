import {
  type Bucket,
  type Call,
  type Consumed,
  type Denial,
  definePlugin,
  deny,
  InvalidSettings,
  KeyValue,
  Metrics,
} from 'mcp-patchbay/sdk'
import { ClientNames } from './client-names.ts'
import { Limit } from './limit.ts'
import { Places } from './places.ts'
import { SETTINGS } from './settings.ts'

/** How many calls are let through in a while, counted by what the settings name. */
export default definePlugin({
  name: 'rate-limit',
  version: '0.1.0',
  phase: 'guard',
  shadow: true,
  configSchema: SETTINGS,
  needs: { keyValue: KeyValue, metrics: Metrics },
  setup(config, { keyValue, metrics }) {
    const clients = new ClientNames()
    const limits = config.limits.map((one, index) => new Limit(one, index, clients))
    refuseTwins(limits)
    const places = new Places(limits)
    const counter = metrics.counter('denied', {
      description: 'Calls that a limit refused.',
      unit: '{call}',
    })
    const labels = new Map(limits.map((limit) => [limit, { limit: limit.name }]))

    const judge = (
      call: Call,
      counted: readonly Limit[],
      buckets: readonly Bucket[],
      consumed: Consumed,
    ): Denial | undefined => {
      if (consumed.ok) return undefined
      const at = buckets.findIndex(({ key }) => key === consumed.key)
      const limit = counted[at] as Limit
      if (!call.dry) {
        limit.denied++
        counter.add(1, labels.get(limit))
      }
      return refusal(limit, consumed.retryAfterMs)
    }

    return {
      beforeCall(call) {
        // A call that asks comes again: it was counted when it came first.
        if (!call.first) return undefined
        const concerned = places.limitsOf(call)
        if (concerned.length === 0) return undefined
        const { principal } = call.caller
        const counted = concerned.every((limit) => limit.means(principal))
          ? concerned
          : concerned.filter((limit) => limit.means(principal))
        if (counted.length === 0) return undefined
        const buckets: Bucket[] = counted.map((limit) => ({
          key: limit.keyOf(call),
          cost: 1,
          limit: limit.calls,
          windowMs: limit.windowMs,
          burst: limit.burst,
        }))
        const consumed = keyValue.consume(buckets)
        return consumed instanceof Promise
          ? consumed.then((settled) => judge(call, counted, buckets, settled))
          : judge(call, counted, buckets, consumed)
      },
      status: () => ({
        limits: limits.map(({ name, per, calls, windowMs, burst, denied }) => ({
          name,
          per,
          calls,
          windowMs,
          burst,
          denied,
        })),
      }),
    }
  },
})

function refusal(limit: Limit, retryAfterMs: number): Denial {
  const { name, per, calls, windowMs } = limit
  const whose = per.length === 0 ? 'all callers together' : `one ${per.join(' and ')}`
  const message = `the limit ${name} is used up: ${calls} calls in ${windowMs / 1000} s for ${whose}`
  const seconds = Math.ceil(retryAfterMs / 1000)
  const hint = `Wait ${seconds} ${seconds === 1 ? 'second' : 'seconds'} before trying again.`
  return deny('RATE_LIMITED', message, { hint, retryAfterMs, rule: name })
}

/** Limits of one name would count in one place. @throws InvalidSettings */
function refuseTwins(limits: readonly Limit[]): void {
  for (const [index, { name }] of limits.entries()) {
    const first = limits.findIndex((one) => one.name === name)
    if (first === index) continue
    throw new InvalidSettings(
      `limits[${index}]`,
      `is called "${name}" like limits[${first}]`,
      'Give each a `name` of its own.',
    )
  }
}
