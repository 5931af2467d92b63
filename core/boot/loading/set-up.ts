import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { type Call, Calls, Catalog, Info, Log } from '../../../sdk/index.ts'
import { publicName } from '../../catalog/names.ts'
import { Services } from '../../hooks/container.ts'
import { GatewayError, type Problem } from '../../hooks/errors.ts'
import { HookTable, type PluginLine } from '../../hooks/hooks.ts'
import type { PluginSpec } from '../../hooks/setup.ts'
import { Wheel } from '../../hooks/wheel.ts'
import { publicUrlOf } from '../../inbound/public-url.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { callsService } from '../../kernel/nested.ts'
import { Round } from '../../kernel/round.ts'
import type { Outbound } from '../../outbound/outbound.ts'
import { dryServices } from '../../services/dry/dry-services.ts'
import { type EmbeddedParts, EmbeddedServices } from '../../services/embedded.ts'
import { Redactor } from '../../services/redactor.ts'
import { Seal } from '../../services/seal.ts'
import { systemClock } from '../../services/system-clock.ts'
import { upstreamsService } from '../admin/upstreams-service.ts'
import { checkCommands } from '../commands/commands.ts'
import { inOrder } from '../config/config-tree.ts'
import type { SetUpConfig } from '../config/settings.ts'
import { makeLog } from '../log.ts'
import { gatewayVersion } from '../version.ts'
import { idleSettings } from './idle-settings.ts'
import { type LinesSetUp, setUpInOrder } from './set-up-order.ts'

/** What plugins are set up with, before there is a kernel to speak of. */
export interface Late {
  kernel: Kernel | undefined
  outbound: Outbound | undefined
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
export async function setUpGateway(config: SetUpConfig): Promise<GatewaySetUp> {
  const log = makeLog({ level: 'error' })
  const late: Late = { kernel: undefined, outbound: undefined }
  const clock = systemClock
  const wheel = new Wheel(clock)
  // Nothing is sealed before the gateway runs; a made-up key leaves no file behind.
  const sealer = new Seal([randomBytes(32).toString('base64url')])
  const parts = { clock, wheel, sealer, secrets: new Redactor(config.secrets) }
  const embedded = embeddedServices(config, parts, late, log)
  const close = async () => {
    await embedded.close()
    wheel.close()
  }
  try {
    const { lines } = await setUpLines(config, late, log, embedded)
    return { lines, hooks: new HookTable(lines, wheel), wheel, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The services that come with the gateway, on what this gateway is made of. */
export function embeddedServices(
  config: SetUpConfig,
  parts: Pick<EmbeddedParts, 'clock' | 'eager' | 'wheel' | 'sealer' | 'secrets' | 'worker'>,
  late: Late,
  log: Logger,
): EmbeddedServices {
  return new EmbeddedServices({
    ...parts,
    file: join(config.data, 'patchbay.db'),
    replica: parts.worker?.bus.replica ?? randomBytes(9).toString('base64url'),
    egress: config.egress.allow,
    upstreams: upstreamsService(() => late.outbound, config.upstreams),
    emit: (event) => late.kernel?.emit(event),
    fault: (err, where) => log.error({ err }, `${where} failed`),
  })
}

/**
 * Runs every plugin's `setup`, each with the services it asked for.
 * @throws GatewayError with the problems of all plugins, each at its line of the config
 */
export async function setUpLines(
  config: SetUpConfig,
  late: Late,
  log: Logger,
  embedded: EmbeddedServices,
): Promise<LinesSetUp> {
  const version = gatewayVersion()
  const services = new Services().offer(Catalog, {
    get revision() {
      return late.kernel?.catalog.revision ?? 0
    },
    get entries() {
      return late.kernel?.catalog.entries ?? []
    },
    invalidate: (scope) => {
      late.kernel?.invalidate(scope)
      // What a principal's login opened does not outlive it.
      if (scope !== undefined) late.outbound?.forget(scope)
    },
  })
  const roundOf = (call: Call) => (call instanceof Round ? call : undefined)
  const offer = (line: Services, { id, plugin }: PluginSpec) => {
    embedded.offer(line, id)
    if (plugin.shadow) dryServices(line, id, embedded.shadow.runs)
    line.offer(
      Calls,
      callsService(id, () => late.kernel, roundOf),
    )
    line.offer(Log, log.child({ plugin: id })).offer(Info, {
      version,
      plugin: id,
      upstreams: config.upstreams.map((upstream) => upstream.id),
      profiles: config.profiles,
      url: publicUrlOf(config.listen),
      urlOf: (upstream) => config.upstreams.find((one) => one.id === upstream)?.url,
      publicName: (group, name) => publicName(config.names, group, name),
    })
  }
  await embedded.prepare(config.plugins).catch((error) => {
    throw placedError(error, config.places)
  })
  const set = setUpInOrder(config.plugins, services, embedded.bus, offer)
  const { lines } = set
  const problems = [...set.problems, ...problemsOf(() => checkCommands(lines))]
  problems.push(...idleSettings(lines))
  if (problems.length === 0) return set
  throw new GatewayError(inOrder(placed(problems, config.places)))
}

function problemsOf(work: () => void): readonly Problem[] {
  try {
    work()
    return []
  } catch (error) {
    if (error instanceof GatewayError) return error.problems
    throw error
  }
}

function placedError(error: unknown, places: SetUpConfig['places']): unknown {
  return error instanceof GatewayError ? new GatewayError(placed(error.problems, places)) : error
}

/** Problems of plugins with the places of their lines in the config, as far as those are known. */
export function placed(
  problems: readonly Problem[],
  places: SetUpConfig['places'],
): readonly Problem[] {
  return problems.map((problem) => {
    const [, id = ''] = /^plugin (.+)$/.exec(problem.where ?? '') ?? []
    const place = places.get(id)
    if (place === undefined) return problem
    const { path, reason, ...rest } = problem
    if (path !== undefined && /^(?:config|mode|onFailure|timeouts)\b/.test(path)) {
      return { ...rest, ...place(...keysIn(path)), reason: `plugin ${id}: ${reason}` }
    }
    // What is wrong with the plugin itself has no setting: it is told at the line that uses it.
    const whose = path === undefined ? `plugin ${id}` : `plugin ${id} ${path}`
    return { ...rest, ...place(), reason: `${whose}: ${reason}` }
  })
}

/** `config.rules[2].tool` as keys. */
function keysIn(path: string): (string | number)[] {
  const keys = path.split(/[.[\]]+/).filter((key) => key !== '')
  return keys.map((key) => (/^\d+$/.test(key) ? Number(key) : key))
}
