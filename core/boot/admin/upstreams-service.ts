import { ServiceError, type Upstreams } from '../../../sdk/index.ts'
import type { Outbound } from '../../outbound/outbound.ts'

/**
 * The upstreams as plugins see them.
 * @param outbound `undefined` until the gateway is built
 * @param config where they are reached
 */
export function upstreamsService(
  outbound: () => Outbound | undefined,
  config: readonly { readonly id: string; readonly url?: string }[],
): Upstreams {
  return {
    status: () => outbound()?.status() ?? {},
    address(id) {
      const found = config.find((one) => one.id === id)
      if (found === undefined) throw noUpstream(id)
      return found.url === undefined ? undefined : addressOf(found.url)
    },
    refresh(id) {
      if (outbound()?.refresh(id) !== true) throw noUpstream(id)
    },
    async reconnect(id) {
      const connected = outbound()?.reconnect(id)
      if (connected === undefined) throw noUpstream(id)
      await connected
    },
  }
}

function addressOf(url: string): { host: string; port: number } {
  const { hostname, port, protocol } = new URL(url)
  return { host: hostname, port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port) }
}

function noUpstream(id: string): ServiceError {
  const hint = '`status()` names those there are, once the gateway runs.'
  return new ServiceError('NO_UPSTREAM', `there is no upstream ${id}`, hint)
}
