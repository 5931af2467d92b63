import type { Event, UpstreamStatus } from '../../sdk/index.ts'
import type { Wheel } from '../hooks/wheel.ts'

/** How long a client that starts with its gateway waits for the servers, in milliseconds. */
const PATIENCE = 5_000

/**
 * Resolves once no upstream is on its first way any more, or after 5 s: a client lists what there is when
 * it starts, and many do so only once.
 */
export function firstLook(
  status: () => Readonly<Record<string, UpstreamStatus>>,
  listeners: Set<(event: Event) => void>,
  wheel: Wheel,
): Promise<void> {
  const looked = () => Object.values(status()).every(({ state }) => state !== 'connecting')
  if (looked()) return Promise.resolve()
  return new Promise((resolve) => {
    const end = () => {
      listeners.delete(look)
      wheel.remove(late)
      resolve()
    }
    const look = () => {
      if (looked()) end()
    }
    const late = wheel.after(PATIENCE, end)
    listeners.add(look)
  })
}
