import { randomBytes } from 'node:crypto'
import type { Logger } from 'pino'
import type { Clock, Event, Secrets, UpstreamStatus } from '../../sdk/index.ts'
import { HeldCallStore } from '../bridge/held-calls.ts'
import { SHAPES } from '../bridge/shapes.ts'
import { SubscriptionBroker } from '../bridge/subscriptions.ts'
import { Lifecycle } from '../hooks/lifecycle.ts'
import { Wheel } from '../hooks/wheel.ts'
import type { ErasParts } from '../inbound/eras.ts'
import { Inbound } from '../inbound/http.ts'
import type { StdioInbound as Pipes, StdioClient } from '../inbound/stdio/stdio-inbound.ts'
import { Kernel } from '../kernel/kernel.ts'
import { Outbound } from '../outbound/outbound.ts'
import { sealKeys } from '../services/keys.ts'
import { Redactor } from '../services/redactor.ts'
import { Seal } from '../services/seal.ts'
import { systemClock } from '../services/system-clock.ts'
import { type AdminDoor, adminDoor } from './admin/admin-door.ts'
import { refuseOccupied } from './admin/occupant.ts'
import type { GatewayConfig } from './config/settings.ts'
import { unmatchedNames } from './config/unmatched.ts'
import { firstLook } from './first-look.ts'
import { hookMetrics } from './hook-metrics.ts'
import { Journal } from './journal.ts'
import { argumentCheck } from './loading/offered-inputs.ts'
import { embeddedServices, type Late, setUpLines } from './loading/set-up.ts'
import { makeLog } from './log.ts'
import { sessionStore, spentStates, tracesOf } from './own-state.ts'
import { gatewayVersion } from './version.ts'

export { type GatewaySetUp, setUpGateway } from './loading/set-up.ts'

/** How long clients of calls that were cut have to be told so. */
const LAST_WORDS = 1_000
/** Subscriptions to single resources, of all principals together. */
const MOST_SUBSCRIPTIONS = 100_000

/** A running gateway. Several can live in one process. */
export interface Gateway {
  /** The MCP endpoint as clients reach it; empty when it serves one client on pipes. */
  readonly url: string
  /** The admin door, unless it is switched off. */
  readonly adminUrl?: string
  /** How each upstream is doing, in config order. */
  status(): Record<string, UpstreamStatus>
  /** Tells of every upstream's state and every change of the catalog. */
  watch(listener: (event: Event) => void): void
  /**
   * Stops taking calls, waits for those in flight as long as `drain` says, and ends everything.
   * `cut`: how many calls were not waited for. Idempotent.
   */
  stop(): Promise<{ readonly cut: number }>
}

/** What a gateway is started with besides its config. */
export interface GatewayOptions {
  readonly log?: Logger
  /** Time for everything in it; the computer's own when left out. */
  readonly clock?: Clock
  /** What the log must not tell; the config's own are put on it. */
  readonly secrets?: Secrets
  /** The client to serve in place of all that a port and an admin door serve. */
  readonly client?: StdioClient
}

/** How clients come in. */
interface ClientSide {
  readonly inFlight: number
  drain(): Promise<void>
  close(): Promise<void>
}

/**
 * Starts a gateway: plugins, then the port, then the upstreams, which nobody waits for.
 * @throws GatewayError when its data are in use, or a plugin or the port fails; nothing is left running then
 */
export async function startGateway(
  config: GatewayConfig,
  options: GatewayOptions = {},
): Promise<Gateway> {
  // Those that serve one client share what is kept: nobody has to find them there.
  if (options.client === undefined) await refuseOccupied(config)
  const secrets = options.secrets ?? new Redactor()
  for (const one of config.secrets) secrets.add(one)
  const log = options.log ?? makeLog({ level: config.log.level, secrets })
  const clock = options.clock ?? systemClock
  const wheel = new Wheel(clock)
  const us = { name: 'patchbay', version: gatewayVersion() }
  const listeners = new Set<(event: Event) => void>()
  const nextId = idMaker()
  const journal = new Journal(log)
  const { fault } = journal
  const seal = new Seal(sealKeys(config.keys, config.data))

  const late: Late = { kernel: undefined, outbound: undefined }
  const embedded = embeddedServices(config, { clock, wheel, sealer: seal, secrets }, late, log)
  const set = await setUpLines(config, late, log, embedded)
  const { lines, own } = set
  const traces = tracesOf(own.tracer, (plugin, cause) =>
    late.kernel?.hooks.report(plugin, 'provide', cause, true),
  )
  const holds = new HeldCallStore({ bus: own.bus, wheel, nextId })
  const kernel: Kernel = new Kernel({
    clock,
    wheel,
    lines,
    upstreams: config.upstreamNames,
    names: config.names,
    servers: {
      send: (round, headers) => outbound.send(round, headers),
      extensions: () => outbound.extensions(),
      instructions: () => outbound.instructions(),
      discover: (id, identity, caller) => outbound.discover(id, identity, caller),
    },
    archive: lines.some(({ hooks }) => hooks.identity !== undefined)
      ? embedded.archive()
      : undefined,
    argumentCheck,
    sealer: seal,
    spent: spentStates(own.keyValue, clock),
    traces,
    listTtl: config.lists.ttl,
    holds,
    nextId,
    shadows: embedded.shadows,
    fault,
  })
  late.kernel = kernel
  embedded.metrics.source(() => hookMetrics(kernel.hooks.counts))
  const failures = new Map<string, number>()
  kernel.hooks.onFailure = (event) => {
    failures.set(event.plugin, (failures.get(event.plugin) ?? 0) + 1)
    journal.failure(event)
  }
  kernel.onCatalog = (event) => {
    journal.catalog(event)
    for (const listener of listeners) listener(event)
  }

  const unmatched = unmatchedNames(config.upstreams, journal.unmatched)
  const outbound = new Outbound(config.upstreams, {
    wheel,
    us,
    vault: kernel.vault,
    holds,
    traces,
    log,
    random: Math.random,
    now: () => clock.now(),
    listed: (id, tools, open, terms) => {
      unmatched(id, tools)
      kernel.freshness.told(id, terms)
      void kernel.catalog.update(id, tools, open)
    },
    stale: (id) => kernel.catalog.refresh(id),
    silent: (id) => kernel.catalog.settle(id),
    changed: (upstream, state) => {
      const event: Event = { type: 'upstream.state', upstream, state }
      journal.upstream(upstream, state)
      kernel.emit(event)
      for (const listener of listeners) listener(event)
    },
  })

  late.outbound = outbound

  const lifecycle = new Lifecycle(kernel.hooks)
  const health = () => lifecycle.health()
  let inbound: ClientSide | undefined
  let pipes: Pipes | undefined
  let url = ''
  let admin: AdminDoor | undefined
  try {
    await embedded.migrate(config.plugins.filter(set.migrates))
    await lifecycle.start()
    const eras: ErasParts = {
      kernel,
      listen: config.listen,
      us,
      showPlugin: config.errors.showPlugin,
      pageSize: config.lists.pageSize,
      shapes: SHAPES,
      wheel,
      subscriptions: new SubscriptionBroker(kernel, outbound, {
        perPrincipal: config.listen.subscriptions,
        inAll: MOST_SUBSCRIPTIONS,
      }),
      sealer: seal,
      sessions: sessionStore(
        own.keyValue,
        embedded.sessions(),
        own.bus !== embedded.bus,
        clock,
        (cause) => fault(cause, ''),
      ),
      bus: own.bus,
      now: () => clock.now(),
      nextId,
      refused: journal.refused,
      fault,
    }
    if (options.client === undefined) {
      const { profiles } = config
      const port = new Inbound({ ...eras, profiles, health, healthChanged: journal.health })
      inbound = port
      await port.listen()
      url = port.url
      const { shadow } = embedded
      const made = { config, kernel, lines, outbound, clock, wheel, failures, health, shadow }
      const site = { ...made, inbound: port, nextId, fault, refused: journal.refused }
      admin = await adminDoor(site, log)
    } else {
      const { StdioInbound } = await import('../inbound/stdio/stdio-inbound.ts')
      pipes = new StdioInbound(eras, options.client)
      inbound = pipes
    }
  } catch (error) {
    await inbound?.close()
    await lifecycle.stop()
    await embedded.close()
    wheel.close()
    throw error
  }
  if (kernel.hooks.on.authenticate === null) journal.closed()
  const inShadow = lines.filter(({ mode }) => mode === 'shadow').map(({ id }) => id)
  const told = inShadow.length === 0 ? {} : { shadow: inShadow }
  const where = options.client === undefined ? { url, admin: admin?.url } : { client: 'stdio' }
  log.info({ ...where, plugins: lines.map(({ id }) => id), ...told }, 'listening')
  outbound.start()
  if (pipes !== undefined) {
    await firstLook(() => outbound.status(), listeners, wheel)
    pipes.listen()
  }

  let stopping: Promise<{ cut: number }> | undefined
  const elapsed = (ms: number) => new Promise<void>((resolve) => wheel.after(ms, resolve))
  const stop = async () => {
    log.info({}, 'stopping')
    const drained = inbound.drain()
    await Promise.race([drained, elapsed(config.drain)])
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
  return {
    url,
    ...(admin === undefined ? {} : { adminUrl: admin.url }),
    status: () => outbound.status(),
    watch: (listener) => listeners.add(listener),
    stop() {
      stopping ??= stop()
      return stopping
    },
  }
}

/** Ids that no other gateway makes: a random beginning and a count. */
function idMaker(): () => string {
  const start = randomBytes(6).toString('base64url')
  let count = 0
  return () => `${start}-${(++count).toString(36)}`
}
