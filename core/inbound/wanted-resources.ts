import type { Caller, Denial } from '../../sdk/index.ts'
import type { Wheel } from '../hooks/wheel.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Subscriber, Subscriptions } from '../kernel/subscriptions.ts'
import type { Updates } from './session-subscriptions.ts'

/** How long an acknowledgement waits for what the servers say, in milliseconds. */
const PATIENCE = 2_000

/** What a listen request gets of the resources it names. */
export interface Honoured {
  readonly subscriber: Subscriber
  /** As the client named them. */
  readonly uris: readonly string[]
}

/** The URIs in a listen request's `resourceSubscriptions`, each once; `undefined` when that is no list of URIs. */
export function wantedUris(listed: unknown): readonly string[] | undefined {
  if (listed === undefined) return []
  if (!Array.isArray(listed) || !listed.every((uri) => typeof uri === 'string')) return undefined
  return [...new Set(listed as readonly string[])]
}

/**
 * Subscribes to these resources as far as this caller may read them and their servers tell of them. A server
 * that says nothing for two seconds counts as one that tells.
 * @returns the refusal when the caller may hold no more subscriptions; nothing is held then
 */
export async function honour(
  uris: readonly string[],
  caller: Caller,
  requestId: string,
  parts: { subscriptions: Subscriptions; kernel: Kernel; wheel: Wheel },
): Promise<Honoured | Denial> {
  const { subscriptions, kernel, wheel } = parts
  const subscriber = subscriptions.open(caller)
  const late = () => new Error('the server has yet to answer')
  const asked = uris.map((uri) => {
    let silent = true
    const added = subscriber.add(uri, caller).finally(() => {
      silent = false
    })
    return wheel.limit(added, PATIENCE, late).then(
      (refusal) => ({ uri, refusal, had: refusal === undefined }),
      (cause: unknown) => {
        if (!silent) kernel.fault(cause, requestId)
        return { uri, refusal: undefined, had: silent }
      },
    )
  })
  const answers = await Promise.all(asked)
  for (const { refusal } of answers) {
    if (refusal?.kind !== 'denial' || refusal.code !== 'RATE_LIMITED') continue
    subscriber.close()
    return refusal
  }
  return { subscriber, uris: answers.flatMap(({ uri, had }) => (had ? uri : [])) }
}

/** What a listen stream tells of resources: its subscriptions end with it. */
export function listenUpdates(subscriber: Subscriber): Updates {
  return {
    attach: (reader) => subscriber.attach(reader),
    detach: () => subscriber.close(),
    resume: () => subscriber.resume(),
  }
}
