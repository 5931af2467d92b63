import { ServiceError, type Upstreams } from '../../../sdk/index.ts'
import type { Outbound } from '../../outbound/outbound.ts'

/**
 * The upstreams as plugins see them.
 * @param outbound `undefined` until the gateway is built
 */
export function upstreamsService(outbound: () => Outbound | undefined): Upstreams {
  return {
    status: () => outbound()?.status() ?? {},
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

function noUpstream(id: string): ServiceError {
  const hint = '`status()` names those there are, once the gateway runs.'
  return new ServiceError('NO_UPSTREAM', `there is no upstream ${id}`, hint)
}
