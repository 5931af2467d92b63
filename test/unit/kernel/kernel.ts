import { argumentCheck } from '../../../core/boot/loading/offered-inputs.ts'
import type { UpstreamNames } from '../../../core/catalog/catalog.ts'
import type { Archive, ListedEntry } from '../../../core/catalog/ports.ts'
import { HookError } from '../../../core/hooks/errors.ts'
import type { PluginLine } from '../../../core/hooks/hooks.ts'
import { Wheel } from '../../../core/hooks/wheel.ts'
import { Kernel } from '../../../core/kernel/kernel.ts'
import type { Exchange } from '../../../core/kernel/ports.ts'
import type { MakeShadows } from '../../../core/kernel/shadows.ts'
import { type ShadowParts, ShadowPlugins } from '../../../core/services/dry/shadow-plugins.ts'
import { ExpiringSet } from '../../../core/services/expiring-set.ts'
import { Seal } from '../../../core/services/seal.ts'
import type { Caller, CatalogChanged, Event, Hooks, Maybe, Outcome } from '../../../sdk/index.ts'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { type CallerParts, callRequest, TestCallers } from '../../../sdk/testing/request.ts'
import {
  FakeServers,
  listedTool,
  type OwnTools,
  type Reply,
  type Sent,
  type TestTool,
  upstreamNames,
} from '../../../sdk/testing/upstream.ts'

/** A plugin line with these hooks, `id` and `phase`. */
export function line(
  id: string,
  hooks: Hooks,
  more: Partial<Omit<PluginLine, 'id' | 'hooks'>> = {},
): PluginLine {
  return { id, hooks, phase: undefined, onFailure: 'deny', timeouts: {}, ...more }
}

export const shaper = (id: string, hooks: Hooks, more: Partial<PluginLine> = {}) =>
  line(id, hooks, { ...more, phase: 'shape' })

export const guard = (id: string, hooks: Hooks, more: Partial<PluginLine> = {}) =>
  line(id, hooks, { ...more, phase: 'guard' })

export interface Setting {
  readonly lines?: readonly PluginLine[]
  /** Lists by upstream id, in config order; `null`: not listed yet. */
  readonly tools?: Readonly<Record<string, readonly TestTool[] | null>>
  readonly names?: Readonly<Record<string, Partial<UpstreamNames>>>
  readonly reply?: (call: Sent) => Maybe<Reply>
  readonly maxLength?: number
  /** Who counts what lines in shadow say. */
  readonly shadow?: ShadowParts
  /** What upstreams list for single identities. */
  readonly ownTools?: OwnTools
  readonly archive?: Archive
}

/** A kernel of its own, without a gateway around it. */
export interface Rig {
  readonly kernel: Kernel
  readonly clock: FakeClock
  readonly wheel: Wheel
  readonly servers: FakeServers
  readonly events: Event[]
  readonly catalogs: CatalogChanged[]
  readonly faults: unknown[]
  readonly failures: string[]
  caller(parts?: CallerParts): Caller
  exchange(): Exchange
  call(name: string, args?: Record<string, unknown>, exchange?: Exchange): Maybe<Outcome>
  callAs(parts: CallerParts, name: string): Maybe<Outcome>
  list(parts?: CallerParts): Promise<string[]>
  offer(upstream: string, tools: readonly TestTool[]): Promise<void>
  /** Tools as an upstream hands them over. */
  listed(tools: readonly TestTool[]): ListedEntry[]
}

/** Builds a kernel whose upstreams have listed their tools. */
export async function rig(setting: Setting = {}): Promise<Rig> {
  const { tools = { up: ['a', 'b'] }, lines = [], names = {}, maxLength = 64 } = setting
  const clock = new FakeClock()
  const wheel = new Wheel(clock)
  const servers = new FakeServers(setting.reply, setting.ownTools)
  const [events, catalogs, faults, failures]: [Event[], CatalogChanged[], unknown[], string[]] = [
    [],
    [],
    [],
    [],
  ]
  let ids = 0
  const spent = new ExpiringSet(() => clock.now())
  const kernel = new Kernel({
    clock,
    wheel,
    lines,
    upstreams: Object.keys(tools).map((id) => ({ ...upstreamNames(id), ...names[id] })),
    names: { separator: '__', maxLength },
    servers,
    archive: setting.archive,
    argumentCheck,
    sealer: new Seal(['a key that only the tests of the kernel know']),
    traces: null,
    spent: { add: (nonce, ttl) => spent.claim(nonce, ttl) },
    nextId: () => `call-${++ids}`,
    ...(setting.shadow === undefined ? {} : { shadows: shadowsOf(setting.shadow) }),
    fault: (cause) => void (cause instanceof HookError || faults.push(cause)),
  })
  servers.vault = kernel.vault
  kernel.onCatalog = (event) => catalogs.push(event)
  kernel.hooks.onFailure = ({ plugin, hook, cause, skipped }) =>
    failures.push(`${plugin} ${hook}: ${(cause as Error).message}${skipped ? ' (skipped)' : ''}`)
  const offer = (upstream: string, list: readonly TestTool[]) =>
    kernel.catalog.update(upstream, list.map(listedTool), true)
  for (const [id, list] of Object.entries(tools)) if (list !== null) await offer(id, list)

  const callers = new TestCallers({})
  const caller = (parts: CallerParts = {}) => {
    const { principal, client, path } = callers.complete(parts)
    return kernel.callers.get(principal, path, JSON.stringify(client), () => client)
  }
  const exchange = (): Exchange => ({
    wire: 'test',
    requestId: 'r1',
    sessionId: undefined,
    headers: {},
    message() {},
    round: undefined,
  })
  return {
    kernel,
    clock,
    wheel,
    servers,
    events,
    catalogs,
    faults,
    failures,
    caller,
    exchange,
    offer,
    call: (name, args = {}, over = exchange()) =>
      kernel.call(callRequest('1', name, args, {}), caller(), over),
    callAs: (parts, name) => kernel.call(callRequest('1', name, {}, {}), caller(parts), exchange()),
    listed: (list) => list.map(listedTool),
    list: async (parts) => {
      const { text } = (await kernel.list(caller(parts))).tool
      return JSON.parse(text).map((tool: { name: string }) => tool.name)
    },
  }
}

function shadowsOf(parts: ShadowParts): MakeShadows {
  return (hooks, clock) => new ShadowPlugins(hooks, clock, parts)
}

/** Lets every promise that can settle do so. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
