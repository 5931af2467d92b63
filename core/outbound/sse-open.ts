import type { HttpShared } from './http-link.ts'
import { ConnectError } from './link.ts'
import { SseLink } from './sse-link.ts'

/**
 * Opens a link over HTTP+SSE (2024-11-05).
 * @param capabilities what those it serves can be asked, as JSON
 * @param found how it was found that this is the transport
 * @param patience how long the endpoint is waited for, in milliseconds
 * @returns `undefined` where there is no such stream
 * @throws ConnectError
 */
export async function openSse(
  shared: HttpShared,
  credentials: Readonly<Record<string, string>> | undefined,
  capabilities: string,
  found: string,
  patience: number,
  signal: AbortSignal,
): Promise<SseLink | undefined> {
  const link = new SseLink(shared, credentials)
  const late = () => new ConnectError('did not name its endpoint in time')
  const open = async () => {
    if (!(await shared.wheel.limit(link.openStream(), patience, late))) return false
    await link.introduce(capabilities, found)
    return true
  }
  try {
    if (await unless(signal, open())) return link
  } catch (error) {
    await link.close()
    throw error
  }
  await link.close()
  return undefined
}

/** Settles like `promise`, or rejects once the signal says so. */
function unless<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new ConnectError('did not answer in time'))
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop)
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
