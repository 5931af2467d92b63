import type { CredentialsQuery } from '../../sdk/index.ts'
import { denialText } from '../hooks/errors.ts'
import type { Vault } from '../kernel/ports.ts'
import type { FlatHeaders } from './call-host.ts'
import { ConnectError } from './link.ts'

/**
 * Does something at an upstream with credentials: once more where they are refused with 401 or 403 and a plugin has
 * others. What a plugin says of the refusal instead is what the error says.
 * @throws ConnectError, HookError or Refused
 */
export async function withCredentials<T>(
  vault: Vault,
  query: CredentialsQuery,
  run: (headers: FlatHeaders) => Promise<T>,
): Promise<T> {
  for (let again = false; ; again = true) {
    const headers = await vault.credentials(query)
    try {
      return await run(headers)
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error
      const { httpStatus, challenge } = error
      if (httpStatus !== 401 && httpStatus !== 403) throw error
      const verdict = await vault.refused(query, httpStatus, challenge, headers)
      if (verdict === 'retry' && !again) continue
      if (verdict === 'retry' || verdict?.kind !== 'denial') throw error
      throw new ConnectError(denialText(verdict), { httpStatus, challenge })
    }
  }
}
