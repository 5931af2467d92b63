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
import { idMaker } from './id-maker.ts'
import { Journal } from './journal.ts'
import { argumentCheck } from './loading/offered-inputs.ts'
import { embeddedServices, type Late, setUpLines } from './loading/set-up.ts'
import { makeLog } from './log.ts'
import { sessionStore, spentStates, tracesOf } from './own-state.ts'
import { type ClientSide, stopper } from './stopper.ts'
import { gatewayVersion } from './version.ts'
import { shared, shareOf, type WorkerSeat } from './workers/seat.ts'

export { type GatewaySetUp, setUpGateway } from './loading/set-up.ts'

/** Subscriptions to single resources, of all principals together; workers divide them. */
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
   * @param within milliseconds to wait at most, when that is shorter
   */
  stop(within?: number): Promise<{ readonly cut: number }>
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
  /** The place of this gateway among the workers that are one gateway together. */
  readonly worker?: WorkerSeat
}

/**
 * Starts a gateway: plugins, then the port, then the upstreams, which nobody waits for.
 * @throws GatewayError when its data are in use, or a plugin or the port fails; nothing is left running then
 */
export async function startGateway(
  whole: GatewayConfig,
  options: GatewayOptions = {},
): Promise<Gateway> {
  const { worker: seat } = options
  const config = seat === undefined ? whole : shareOf(whole, seat.count)
  const workers = seat?.count ?? 1
  // Those that serve one client share what is kept: nobody has to find them there. Workers share it, too.
  if (options.client === undefined && seat === undefined) await refuseOccupied(config)
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
  const seal = new Seal(seat?.keys ?? sealKeys(config.keys, config.data))
  const worker = seat?.services({ wheel, fault: journal.failed })

  const late: Late = { kernel: undefined, outbound: undefined }
  const parts = { clock, eager: true, wheel, sealer: seal, secrets, worker }
  const embedded = embeddedServices(config, parts, late, log)
  const set = await setUpLines(config, late, log, embedded).catch(async (error) => {
    await embedded.close()
    wheel.close()
    throw error
  })
  const { lines, own } = set
  const traces = tracesOf(own.tracer, (plugin, cause) =>
    late.kernel?.hooks.report(plugin, 'provide', cause, true),
  )
  const holds = new HeldCallStore({ bus: own.bus, wheel, nextId, workers })
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
    spent: spentStates(own.keyValue ?? embedded.keyValue, clock),
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
        inAll: shared(MOST_SUBSCRIPTIONS, workers),
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
      replicas: seat !== undefined || own.bus !== embedded.bus,
      workers,
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
      const site = { ...made, seat, worker, inbound: port, nextId, fault, refused: journal.refused }
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
  if (kernel.hooks.on.authenticate === null && (seat?.slot ?? 0) === 0) journal.closed()
  const inShadow = lines.filter(({ mode }) => mode === 'shadow').map(({ id }) => id)
  const told = inShadow.length === 0 ? {} : { shadow: inShadow }
  const where = options.client === undefined ? { url, admin: admin?.url } : { client: 'stdio' }
  const plugins = lines.map(({ id }) => id)
  // Workers are one gateway: the primary says once that it listens.
  if (seat === undefined) log.info({ ...where, plugins, ...told }, 'listening')
  outbound.start()
  if (pipes !== undefined) {
    await firstLook(() => outbound.status(), listeners, wheel)
    pipes.listen()
  }

  const stop = stopper({
    config,
    log,
    journal,
    inbound,
    admin,
    holds,
    outbound,
    lifecycle,
    embedded,
    wheel,
  })
  return {
    url,
    ...(admin === undefined ? {} : { adminUrl: admin.url }),
    status: () => outbound.status(),
    watch: (listener) => listeners.add(listener),
    stop,
  }
}
