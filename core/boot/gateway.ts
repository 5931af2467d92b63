import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Logger } from 'pino'
import {
  Catalog,
  type Clock,
  type Event,
  Info,
  Log,
  type Secrets,
  type UpstreamStatus,
} from '../../sdk/index.ts'
import { Inbound } from '../inbound/http.ts'
import { Services } from '../kernel/container.ts'
import { HookTable, type PluginLine } from '../kernel/hooks.ts'
import { Kernel } from '../kernel/kernel.ts'
import { Lifecycle } from '../kernel/lifecycle.ts'
import { publicName } from '../kernel/names.ts'
import { setUpPlugins } from '../kernel/setup.ts'
import { Wheel } from '../kernel/wheel.ts'
import { Outbound } from '../outbound/outbound.ts'
import { type EmbeddedParts, EmbeddedServices } from '../services/embedded.ts'
import { ExpiringSet } from '../services/expiring-set.ts'
import { sealKeys } from '../services/keys.ts'
import { Redactor } from '../services/redactor.ts'
import { Seal } from '../services/seal.ts'
import { systemClock } from '../services/system-clock.ts'
import { type AdminDoor, adminDoor } from './admin-door.ts'
import { checkCommands } from './commands.ts'
import { Journal } from './journal.ts'
import { makeLog } from './log.ts'
import type { GatewayConfig } from './settings.ts'
import { unmatchedNames } from './unmatched.ts'
import { upstreamsService } from './upstreams-service.ts'

const { version } = createRequire(import.meta.url)('mcp-patchbay/package.json') as {
  version: string
}

/** How long clients of calls that were cut have to be told so. */
const LAST_WORDS = 1_000

/** A running gateway. Several can live in one process. */
export interface Gateway {
  /** The MCP endpoint as clients reach it. */
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
}

/** What plugins are set up with, before there is a kernel to speak of. */
interface Late {
  kernel: Kernel | undefined
  outbound: Outbound | undefined
}

/**
 * Starts a gateway: plugins, then the port, then the upstreams, which nobody waits for.
 * @throws GatewayError when a plugin or the port fails; nothing is left running then
 */
export async function startGateway(
  config: GatewayConfig,
  options: GatewayOptions = {},
): Promise<Gateway> {
  const secrets = options.secrets ?? new Redactor()
  for (const one of config.secrets) secrets.add(one)
  const log = options.log ?? makeLog({ level: config.log.level, secrets })
  const clock = options.clock ?? systemClock
  const wheel = new Wheel(clock)
  const us = { name: 'patchbay', version }
  const listeners = new Set<(event: Event) => void>()
  const nextId = idMaker()
  const journal = new Journal(log)
  const { fault } = journal
  const seal = new Seal(sealKeys(config.keys, config.data))

  const spent = new ExpiringSet(() => clock.now())
  const late: Late = { kernel: undefined, outbound: undefined }
  const embedded = embeddedServices(config, { clock, wheel, sealer: seal, secrets }, late, log)
  await embedded.prepare(config.plugins)
  const lines = setUpLines(config, late, log, embedded)
  const kernel: Kernel = new Kernel({
    clock,
    wheel,
    lines,
    upstreams: config.upstreamNames,
    names: config.names,
    servers: { send: (round, headers) => outbound.send(round, headers) },
    sealer: seal,
    spent: { add: (nonce, ttl) => spent.claim(nonce, ttl) },
    nextId,
    fault,
  })
  late.kernel = kernel
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
    vault: kernel,
    log,
    random: Math.random,
    now: () => clock.now(),
    listed: (id, tools) => {
      unmatched(id, tools)
      void kernel.catalog.update(id, tools)
    },
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
  let inbound: Inbound | undefined
  let admin: AdminDoor | undefined
  try {
    await embedded.migrate(config.plugins)
    await lifecycle.start()
    inbound = new Inbound({
      kernel,
      listen: config.listen,
      profiles: config.profiles,
      us,
      showPlugin: config.errors.showPlugin,
      wheel,
      sealer: seal,
      revoked: new ExpiringSet(() => clock.now()),
      now: () => clock.now(),
      nextId,
      health,
      refused: journal.refused,
      fault,
    })
    await inbound.listen()
    const site = { config, kernel, lines, inbound, outbound, clock, wheel, failures, health }
    admin = await adminDoor({ ...site, nextId, fault, refused: journal.refused }, log)
  } catch (error) {
    await inbound?.close()
    await lifecycle.stop()
    await embedded.close()
    wheel.close()
    throw error
  }
  const { url } = inbound
  if (kernel.hooks.on.authenticate === null) journal.closed()
  log.info({ url, admin: admin?.url, plugins: lines.map(({ id }) => id) }, 'listening')
  outbound.start()

  let stopping: Promise<{ cut: number }> | undefined
  const elapsed = (ms: number) => new Promise<void>((resolve) => wheel.after(ms, resolve))
  const stop = async () => {
    log.info({}, 'stopping')
    const drained = inbound.drain()
    await Promise.race([drained, elapsed(config.drain)])
    const cut = inbound.inFlight
    // What still waits for an upstream ends as UNAVAILABLE, and its client is told before the port closes.
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

/** A gateway that is set up and will not be started. */
export interface GatewaySetUp {
  readonly lines: readonly PluginLine[]
  readonly hooks: HookTable
  readonly wheel: Wheel
  /** Ends what a plugin may have opened meanwhile. */
  close(): Promise<void>
}

/**
 * Everything short of sockets: what the commands need that look at a config.
 * @throws GatewayError with the problems of all plugins
 */
export async function setUpGateway(config: GatewayConfig): Promise<GatewaySetUp> {
  const log = makeLog({ level: 'error' })
  const late: Late = { kernel: undefined, outbound: undefined }
  const clock = systemClock
  const wheel = new Wheel(clock)
  // Nothing is sealed before the gateway runs; a made-up key leaves no file behind.
  const sealer = new Seal([randomBytes(32).toString('base64url')])
  const parts = { clock, wheel, sealer, secrets: new Redactor(config.secrets) }
  const embedded = embeddedServices(config, parts, late, log)
  await embedded.prepare(config.plugins)
  const lines = setUpLines(config, late, log, embedded)
  const close = async () => {
    await embedded.close()
    wheel.close()
  }
  return { lines, hooks: new HookTable(lines, wheel), wheel, close }
}

/** The services that come with the gateway, on what this gateway is made of. */
function embeddedServices(
  config: GatewayConfig,
  parts: Pick<EmbeddedParts, 'clock' | 'wheel' | 'sealer' | 'secrets'>,
  late: Late,
  log: Logger,
): EmbeddedServices {
  return new EmbeddedServices({
    ...parts,
    file: join(config.data, 'patchbay.db'),
    replica: randomBytes(9).toString('base64url'),
    egress: config.egress.allow,
    upstreams: upstreamsService(() => late.outbound),
    emit: (event) => late.kernel?.emit(event),
    fault: (err, where) => log.error({ err }, `${where}: a plugin failed`),
  })
}

/** Runs every plugin's `setup`, each with the services it asked for. */
function setUpLines(
  config: GatewayConfig,
  late: Late,
  log: Logger,
  embedded: EmbeddedServices,
): PluginLine[] {
  const services = new Services().offer(Catalog, {
    get revision() {
      return late.kernel?.catalog.revision ?? 0
    },
    get entries() {
      return late.kernel?.catalog.entries ?? []
    },
    invalidate: (scope) => late.kernel?.invalidate(scope),
  })
  const lines = setUpPlugins(config.plugins, services, (line, { id }) => {
    embedded.offer(line, id)
    line.offer(Log, log.child({ plugin: id })).offer(Info, {
      version,
      plugin: id,
      upstreams: config.upstreams.map((upstream) => upstream.id),
      publicName: (group, name) => publicName(config.names, group, name),
    })
  })
  checkCommands(lines)
  return lines
}

/** Ids that no other gateway makes: a random beginning and a count. */
function idMaker(): () => string {
  const start = randomBytes(6).toString('base64url')
  let count = 0
  return () => `${start}-${(++count).toString(36)}`
}
