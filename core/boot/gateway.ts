import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import type { Logger } from 'pino'
import { Catalog, Clock, type Event, Info, Log, type UpstreamStatus } from '../../sdk/index.ts'
import { Inbound } from '../inbound/http.ts'
import { Services } from '../kernel/container.ts'
import { messageOf } from '../kernel/errors.ts'
import { HookTable, type PluginLine } from '../kernel/hooks.ts'
import { Kernel } from '../kernel/kernel.ts'
import { Lifecycle } from '../kernel/lifecycle.ts'
import { publicName } from '../kernel/names.ts'
import { setUpPlugins } from '../kernel/setup.ts'
import { Wheel } from '../kernel/wheel.ts'
import { Outbound } from '../outbound/outbound.ts'
import { ExpiringSet } from '../services/expiring-set.ts'
import { sealKeys } from '../services/keys.ts'
import { Seal } from '../services/seal.ts'
import { systemClock } from '../services/system-clock.ts'
import { makeLog } from './log.ts'
import type { GatewayConfig } from './settings.ts'

const { version } = createRequire(import.meta.url)('mcp-patchbay/package.json') as {
  version: string
}

/** A running gateway. Several can live in one process. */
export interface Gateway {
  /** The MCP endpoint as clients reach it. */
  readonly url: string
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

/** What plugins are set up with, before there is a kernel to speak of. */
interface Late {
  kernel: Kernel | undefined
}

/**
 * Starts a gateway: plugins, then the port, then the upstreams, which nobody waits for.
 * @throws GatewayError when a plugin or the port fails; nothing is left running then
 */
export async function startGateway(
  config: GatewayConfig,
  options: { readonly log?: Logger } = {},
): Promise<Gateway> {
  const log = options.log ?? makeLog({ level: config.log.level })
  const clock = systemClock
  const wheel = new Wheel(clock)
  const us = { name: 'patchbay', version }
  const listeners = new Set<(event: Event) => void>()
  const nextId = idMaker()
  const fault = (err: unknown, requestId: string) =>
    log.error({ err, requestId }, 'the gateway failed')
  const seal = new Seal(sealKeys(config.keys, config.data))

  const late: Late = { kernel: undefined }
  const lines = setUpLines(config, late, log)
  const kernel: Kernel = new Kernel({
    clock,
    wheel,
    lines,
    upstreams: config.upstreamNames,
    names: config.names,
    servers: { send: (round, headers) => outbound.send(round, headers) },
    nextId,
    fault,
  })
  late.kernel = kernel
  kernel.hooks.onFailure = ({ plugin, hook, cause, skipped }) =>
    log.error(
      { plugin, hook, err: cause, skipped },
      `plugin ${plugin}, hook ${hook}: ${messageOf(cause)}`,
    )
  kernel.onCatalog = (event) => {
    const { revision, entries, collisions } = event
    if (collisions.length > 0) {
      log.warn(
        { collisions },
        'tools of the same name are hidden: give an upstream another prefix, or rename one',
      )
    }
    log.info({ revision, tools: entries.length }, 'catalog changed')
    for (const listener of listeners) listener(event)
  }

  const outbound = new Outbound(config.upstreams, {
    wheel,
    us,
    vault: kernel,
    log,
    random: Math.random,
    now: () => clock.now(),
    listed: (id, tools) => void kernel.catalog.update(id, tools),
    silent: (id) => kernel.catalog.settle(id),
    changed: (upstream, state) => {
      const event: Event = { type: 'upstream.state', upstream, state }
      const { stderr: _, ...fields } = state
      log[state.state === 'ready' ? 'info' : 'warn'](
        { upstream, ...fields },
        `upstream ${upstream} is ${state.state}`,
      )
      kernel.emit(event)
      for (const listener of listeners) listener(event)
    },
  })

  const lifecycle = new Lifecycle(kernel.hooks)
  await lifecycle.start()
  let inbound: Inbound
  try {
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
      health: () => lifecycle.health(),
      fault,
    })
    await inbound.listen()
  } catch (error) {
    await lifecycle.stop()
    wheel.close()
    throw error
  }
  log.info({ url: inbound.url, plugins: lines.map(({ id }) => id) }, 'listening')
  outbound.start()

  let stopping: Promise<{ cut: number }> | undefined
  const stop = async () => {
    log.info({}, 'stopping')
    await Promise.race([
      inbound.drain(),
      new Promise<void>((resolve) => wheel.after(config.drain, resolve)),
    ])
    const cut = await inbound.close()
    await outbound.stop()
    await lifecycle.stop()
    wheel.close()
    log.info({ cut }, cut === 0 ? 'stopped' : `stopped; ${cut} calls were cut`)
    return { cut }
  }
  return {
    url: inbound.url,
    status: () => outbound.status(),
    watch: (listener) => listeners.add(listener),
    stop() {
      stopping ??= stop()
      return stopping
    },
  }
}

/**
 * Everything short of sockets: what `check` and `order` need.
 * @throws GatewayError with the problems of all plugins
 */
export async function setUpGateway(
  config: GatewayConfig,
): Promise<{ readonly lines: readonly PluginLine[]; readonly hooks: HookTable }> {
  const lines = setUpLines(config, { kernel: undefined }, makeLog({ level: 'error' }))
  return { lines, hooks: new HookTable(lines, new Wheel(systemClock)) }
}

/** Runs every plugin's `setup`, each with the services it asked for. */
function setUpLines(config: GatewayConfig, late: Late, log: Logger): PluginLine[] {
  const services = new Services().offer(Clock, systemClock).offer(Catalog, {
    get revision() {
      return late.kernel?.catalog.revision ?? 0
    },
    get entries() {
      return late.kernel?.catalog.entries ?? []
    },
    invalidate: (scope) => late.kernel?.invalidate(scope),
  })
  return setUpPlugins(config.plugins, services, (line, { id }) => {
    line.offer(Log, log.child({ plugin: id })).offer(Info, {
      version,
      plugin: id,
      upstreams: config.upstreams.map((upstream) => upstream.id),
      publicName: (group, name) => publicName(config.names, group, name),
    })
  })
}

/** Ids that no other gateway makes: a random beginning and a count. */
function idMaker(): () => string {
  const start = randomBytes(6).toString('base64url')
  let count = 0
  return () => `${start}-${(++count).toString(36)}`
}
