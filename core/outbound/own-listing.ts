import type { Caller } from '../../sdk/index.ts'
import { messageOf, Refused } from '../hooks/errors.ts'
import { ConnectError } from './link.ts'
import type { UpstreamHost } from './upstream-host.ts'

const NO_STATUS = { httpStatus: undefined, challenge: undefined }

/**
 * Reads something of an upstream with a caller's own credentials: once more if they were refused and a
 * plugin has others. Never rejects: `undefined` when it cannot be had now.
 */
export async function readAs<T>(
  caller: Caller,
  upstream: string,
  { vault, log }: Pick<UpstreamHost, 'vault' | 'log'>,
  read: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await read().catch(async (error: unknown) => {
      const { httpStatus, challenge } = error instanceof ConnectError ? error : NO_STATUS
      if (httpStatus !== 401 && httpStatus !== 403) throw error
      const query = { upstream, purpose: 'discover', caller } as const
      if ((await vault.refused(query, httpStatus, challenge)) !== 'retry') throw error
      return read()
    })
  } catch (error) {
    // Who has yet to log in is no news.
    if (!(error instanceof Refused)) {
      const message = `${upstream} could not be listed for one of its users: ${messageOf(error)}`
      log.warn({ upstream }, message)
    }
    return undefined
  }
}
