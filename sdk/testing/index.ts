// The test kit for plugins: the real kernel and the real validation around a plugin, everything else under
// the test's control. Stricter than a running gateway: all that a plugin receives is frozen.
import { checkCommands } from '../../core/boot/commands/commands.ts'
import { argumentCheck } from '../../core/boot/loading/offered-inputs.ts'
import { setUpInOrder } from '../../core/boot/loading/set-up-order.ts'
import { spentStates, tracesOf } from '../../core/boot/own-state.ts'
import { publicName } from '../../core/catalog/names.ts'
import { Services } from '../../core/hooks/container.ts'
import { GatewayError, HookError } from '../../core/hooks/errors.ts'
import { Lifecycle } from '../../core/hooks/lifecycle.ts'
import { Wheel } from '../../core/hooks/wheel.ts'
import { Kernel } from '../../core/kernel/kernel.ts'
import { callsService } from '../../core/kernel/nested.ts'
import { dryServices } from '../../core/services/dry/dry-services.ts'
import { EmbeddedServices } from '../../core/services/embedded.ts'
import { Redactor } from '../../core/services/redactor.ts'
import { Seal } from '../../core/services/seal.ts'
import {
  Calls,
  Catalog,
  type Client,
  type Event,
  Info,
  Log,
  type Maybe,
  type Plugin,
  type Principal,
} from '../index.ts'
import { type CheckOptions, judgePlugin, type PluginProblem } from './check-plugin.ts'
import { FakeClock } from './clock.ts'
import { deepFreeze, frozenArgument, frozenLine, roundOf } from './freeze.ts'
import { TestGateway } from './gateway.ts'
import { type LogLine, recordingLog } from './log.ts'
import { checkOptions, toolsByUpstream } from './options.ts'
import { patiently } from './patience.ts'
import { TestCallers } from './request.ts'
import { type PluginWithConfig, pluginSpecs, type UpstreamsSettings } from './settings.ts'
import { frozenTracer } from './tracer.ts'
import {
  FakeServers,
  listedTool,
  type OwnTools,
  type Reply,
  type Sent,
  type Tell,
  type TestTool,
  testUpstreams,
  upstreamNames,
} from './upstream.ts'
import { watchers } from './watchers.ts'

export type { Rehearsal, RehearsedStep } from '../../core/boot/commands/rehearsal.ts'
export type { ShadowRow } from '../../core/services/dry/shadow-report.ts'
export type { AnswerOptions, CallOptions } from './call.ts'
export type { CheckOptions, PluginProblem } from './check-plugin.ts'
export type { FakeClock } from './clock.ts'
export type { TestGateway } from './gateway.ts'
export type { LogLine } from './log.ts'
export type { CallerParts, HeaderParts } from './request.ts'
export type { PluginWithConfig, UpstreamsSettings } from './settings.ts'
export {
  type OwnTools,
  type Reply,
  type Sent,
  type Tell,
  type TestTool,
  type Unauthorized,
  unauthorized,
} from './upstream.ts'

/** What surrounds the plugin under test. */
export interface TestOptions {
  /**
   * The upstreams' tools: a list for the upstream `demo`, or lists by upstream id; `null` for an upstream
   * that has not answered yet. One tool `echo` of `demo` when left out. An upstream's id is its prefix.
   */
  readonly tools?: readonly TestTool[] | Readonly<Record<string, readonly TestTool[] | null>>
  /** Additional names, by upstream id: `{ files: { ls: 'list_directory' } }`. */
  readonly aliases?: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** What plugins claim under upstreams, as in the config: `{ crm: { auth: { mode: 'none' } } }`. */
  readonly upstreams?: UpstreamsSettings
  /** Where upstreams are reached, by id: `https://<id>.example/mcp` for those left out. */
  readonly upstreamUrls?: Readonly<Record<string, string>>
  /**
   * What the upstreams answer, and with `tell` what they say before. A text `ok` when left out.
   * `(call, tell) => { tell({ jsonrpc: '2.0', method: 'notifications/progress', params }); return result }`
   */
  readonly reply?: (call: Sent, tell: Tell) => Maybe<Reply>
  /**
   * What upstreams list for one credential identity, where a plugin's `identity` tells callers apart.
   * Nothing when left out.
   */
  readonly ownTools?: OwnTools
  /** Parts of the caller of calls and lists that name none. */
  readonly principal?: Partial<Principal>
  readonly client?: Partial<Client>
  readonly path?: string
  /** The profiles of the config: `['support']` is served at `/mcp/support`. None when left out. */
  readonly profiles?: readonly string[]
  /** Where clients reach the gateway; `https://gateway.test` when left out, `null` where the config does not say. */
  readonly url?: string | null
  /** What `Http` may reach besides the internet, as in the config: `['127.0.0.1']`. */
  readonly egress?: readonly string[]
  /** The file of `Database`, for what one gateway must find of another. In memory when left out. */
  readonly database?: string
  /** `shadow`: what the plugin under test says is counted, by `shadow()`, and not applied. */
  readonly mode?: 'enforce' | 'shadow'
  /** Plugins that stand before the plugin under test in the config. */
  readonly before?: readonly PluginWithConfig[]
  /** Plugins that stand after it. */
  readonly with?: readonly PluginWithConfig[]
}

const PUBLIC_URL = 'https://gateway.test'
const NAMES = { separator: '__', maxLength: 64 }

/**
 * Builds and starts a gateway around a plugin.
 * @param config the plugin's settings as an operator writes them
 * @throws Error (as a rejection) with the operator's own text when settings, setup or start fail, and TypeError
 *   for options that there are not
 */
export async function testPlugin(
  plugin: Plugin,
  config: unknown = {},
  options: TestOptions = {},
): Promise<TestGateway> {
  checkOptions(options)
  const tools = toolsByUpstream(options)
  const ids = Object.keys(tools)
  const lines = [...(options.before ?? []), [plugin, config] as const, ...(options.with ?? [])]
  const shadowed = options.mode === 'shadow' ? (options.before ?? []).length : undefined
  const specs = pluginSpecs(lines, options.upstreams ?? {}, shadowed)

  const clock = new FakeClock()
  const wheel = new Wheel(clock)
  const events: Event[] = []
  const logs: LogLine[] = []
  const faults: unknown[] = []
  let kernel: Kernel | undefined

  const catalog: Catalog = {
    get revision() {
      return kernel?.catalog.revision ?? 0
    },
    get entries() {
      return deepFreeze(kernel?.catalog.entries ?? [])
    },
    invalidate: (scope) => kernel?.invalidate(scope),
  }
  const sealer = new Seal(['the key of a gateway that only tests'])
  const embedded = new EmbeddedServices({
    clock,
    wheel,
    sealer,
    secrets: new Redactor(),
    file: options.database ?? ':memory:',
    replica: 'test',
    egress: options.egress ?? [],
    upstreams: testUpstreams(ids),
    emit: (event) => kernel?.emit(event),
    // What a plugin throws is its own failure, told by events; anything else is a bug of the kernel.
    fault: (cause) => void (cause instanceof HookError || faults.push(cause)),
  })
  await embedded.prepare(specs)
  const services = new Services().offer(Catalog, catalog)
  const set = setUpInOrder(specs, services, embedded.bus, (line, { id, plugin: { shadow } }) => {
    embedded.offer(line, id)
    watchers.get(options)?.(line)
    if (shadow) dryServices(line, id, embedded.shadow.runs)
    line.offer(Log, recordingLog(id, logs)).offer(
      Calls,
      callsService(id, () => kernel, roundOf),
    )
    line.offer(Info, {
      version: '0.0.0',
      plugin: id,
      upstreams: ids,
      profiles: options.profiles ?? [],
      url: options.url === undefined ? PUBLIC_URL : (options.url ?? undefined),
      urlOf: (id) => options.upstreamUrls?.[id] ?? `https://${id}.example/mcp`,
      publicName: (group, name) => publicName(NAMES, group, name),
    })
  })
  if (set.problems.length > 0) throw new GatewayError(set.problems)
  checkCommands(set.lines)
  const servers = new FakeServers(options.reply, options.ownTools)
  const recorder = {
    id: 'test',
    phase: undefined,
    hooks: { observe: (event: Event) => void events.push(frozenArgument(event) as Event) },
    onFailure: 'skip',
    timeouts: {},
  } as const
  let calls = 0
  const frozen = set.lines.map(frozenLine)
  const { tracer } = set.own
  const seeing = tracer?.service ? { ...tracer, service: frozenTracer(tracer.service) } : undefined
  const traces = tracesOf(seeing, (id, cause) => kernel?.hooks.report(id, 'provide', cause, true))
  servers.traces = traces
  kernel = new Kernel({
    clock,
    wheel,
    lines: [...frozen, recorder],
    upstreams: ids.map((id) => upstreamNames(id, options.aliases?.[id])),
    names: NAMES,
    servers,
    argumentCheck,
    sealer,
    spent: spentStates(set.own.keyValue, clock),
    traces,
    nextId: () => `call-${++calls}`,
    shadows: embedded.shadows,
    // What a plugin throws is its own failure, told by events; anything else is a bug of the kernel.
    fault: (cause) => void (cause instanceof HookError || faults.push(cause)),
  })
  servers.vault = kernel.vault
  const lifecycle = new Lifecycle(kernel.hooks)
  try {
    await embedded.migrate(specs.filter(set.migrates))
    await patiently(lifecycle.start(), clock, () => '`start`')
  } catch (error) {
    await embedded.close()
    throw error
  }
  for (const [id, list] of Object.entries(tools)) {
    if (list !== null) await kernel.catalog.update(id, list.map(listedTool), true)
  }
  const callers = new TestCallers(options)
  return new TestGateway({
    kernel,
    lines: frozen,
    lifecycle,
    wheel,
    embedded,
    callers,
    servers,
    clock,
    events,
    logs,
    faults,
  })
}

/**
 * Holds a plugin to what bundled plugins are held to: its name, its version, described and closed settings, a
 * README that agrees with them and whose examples pass, hooks that exist and change nothing they are given.
 * @throws Error (as a rejection) that lists everything that is wrong, each with what to do
 */
export async function checkPlugin(plugin: Plugin, options: CheckOptions): Promise<void> {
  const problems = await pluginProblems(plugin, options)
  if (problems.length > 0) throw new GatewayError(problems)
}

/** What {@link checkPlugin} finds, as a list for tools. Empty when nothing is wrong. */
export function pluginProblems(plugin: Plugin, options: CheckOptions): Promise<PluginProblem[]> {
  return judgePlugin(plugin, options, testPlugin)
}
