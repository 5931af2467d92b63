import type { HeldCallStore } from '../bridge/held-calls.ts'
import type { Lifecycle } from '../hooks/lifecycle.ts'
import type { Wheel } from '../hooks/wheel.ts'
import type { Outbound } from '../outbound/outbound.ts'
import type { EmbeddedServices } from '../services/embedded.ts'
import type { AdminDoor } from './admin/admin-door.ts'
import type { GatewayConfig } from './config/settings.ts'
import type { Gateway } from './gateway.ts'
import type { Journal } from './journal.ts'
import type { Logger } from './log.ts'

/** How long clients of calls that were cut have to be told so. */
const LAST_WORDS = 1_000

/** How clients come in. */
export interface ClientSide {
  readonly inFlight: number
  drain(): Promise<void>
  close(): Promise<void>
}

/** What ends with a gateway. */
export interface Running {
  readonly config: Pick<GatewayConfig, 'drain'>
  readonly log: Logger
  readonly journal: Journal
  readonly inbound: ClientSide
  readonly admin: AdminDoor | undefined
  readonly holds: HeldCallStore
  readonly outbound: Outbound
  readonly lifecycle: Lifecycle
  readonly embedded: EmbeddedServices
  readonly wheel: Wheel
}

/**
 * Makes what stops a gateway: takes no more calls, waits for those in flight as long as `drain` says, or no longer
 * than it is given, and ends everything. Called twice it stops once.
 */
export function stopper(running: Running): Gateway['stop'] {
  let stopping: Promise<{ cut: number }> | undefined
  return (within = Number.POSITIVE_INFINITY) => {
    stopping ??= stop(running, Math.min(within, running.config.drain))
    return stopping
  }
}

async function stop(running: Running, drain: number): Promise<{ cut: number }> {
  const { log, journal, inbound, admin, holds, outbound, lifecycle, embedded, wheel } = running
  const elapsed = (ms: number) => new Promise<void>((resolve) => wheel.after(ms, resolve))
  log.info({}, 'stopping')
  const drained = inbound.drain()
  await Promise.race([drained, elapsed(drain)])
  const cut = inbound.inFlight
  // What still waits for an upstream ends as UNAVAILABLE, and its client is told before the port closes.
  holds.close()
  const ended = outbound.stop()
  await Promise.race([drained, elapsed(LAST_WORDS)])
  await inbound.close()
  await admin?.close()
  await ended
  await lifecycle.stop()
  await embedded.close()
  wheel.close()
  journal.stopped(cut)
  return { cut }
}
