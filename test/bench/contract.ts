/**
 * What the plugin contract costs on the way of a call: a kernel alone, with an upstream that answers at once.
 * Every case is returned to again and again in random order, a fiftieth of a second each; the figure is the
 * lower quartile of its slices. Differences are taken between those.
 */

import { argumentCheck } from '../../core/boot/loading/offered-inputs.ts'
import type { PluginLine } from '../../core/hooks/hooks.ts'
import { Wheel } from '../../core/hooks/wheel.ts'
import { Kernel } from '../../core/kernel/kernel.ts'
import { callsService } from '../../core/kernel/nested.ts'
import type { CallRequest, Exchange } from '../../core/kernel/ports.ts'
import { Round } from '../../core/kernel/round.ts'
import { DryRuns } from '../../core/services/dry/dry-runs.ts'
import { ShadowPlugins } from '../../core/services/dry/shadow-plugins.ts'
import { CountedShadows } from '../../core/services/dry/shadow-report.ts'
import { ExpiringSet } from '../../core/services/expiring-set.ts'
import { Seal } from '../../core/services/seal.ts'
import { systemClock } from '../../core/services/system-clock.ts'
import { ask, type Call, type Calls, deny, type Hooks, type Outcome } from '../../sdk/index.ts'
import { callRequest, TestCallers } from '../../sdk/testing/request.ts'
import { listedTool, upstreamNames } from '../../sdk/testing/upstream.ts'

/** One line of the table: microseconds per call. */
export interface ContractRow {
  readonly name: string
  readonly us: number
  /** What it adds to the case of that name. */
  readonly over?: { readonly name: string; readonly us: number }
}

interface Case {
  readonly name: string
  readonly over?: string
  /** Runs so many calls one after the other. */
  run(times: number): Promise<void>
}

const SLICE = 20
const CALLER = { client: { capabilities: { elicitation: {} } } }
const RESULT: Outcome = {
  kind: 'result',
  result: { content: [{ type: 'text', text: 'ok' }] },
  source: 'upstream',
  executed: true,
}
const NONE = 'a call, nobody listens'

function line(id: string, hooks: Hooks, mode: PluginLine['mode'] = 'enforce'): PluginLine {
  return { id, phase: 'guard', hooks, onFailure: 'deny', timeouts: {}, mode }
}

async function kernelWith(lines: readonly PluginLine[]): Promise<Kernel> {
  const spent = new ExpiringSet(() => systemClock.now())
  let ids = 0
  const kernel = new Kernel({
    clock: systemClock,
    wheel: new Wheel(systemClock),
    lines,
    upstreams: [upstreamNames('up')],
    names: { separator: '__', maxLength: 64 },
    servers: {
      send: () => RESULT,
      extensions: () => ({}),
      instructions: () => new Map(),
      discover: async () => undefined,
    },
    argumentCheck,
    sealer: new Seal(['a key that only this measurement knows']),
    spent: { add: (nonce, ttl) => spent.claim(nonce, ttl) },
    traces: null,
    nextId: () => `call-${++ids}`,
    shadows: (hooks, clock) =>
      new ShadowPlugins(hooks, clock, {
        runs: new DryRuns(),
        report: new CountedShadows(clock),
      }),
    fault(cause) {
      throw cause
    },
  })
  await kernel.catalog.update('up', ['echo'].map(listedTool), true)
  return kernel
}

const exchange = (): Exchange => ({
  wire: 'bench',
  requestId: 'r',
  sessionId: undefined,
  headers: {},
  message() {},
  round: undefined,
})

const request = (name: string, more: Partial<CallRequest> = {}): CallRequest => ({
  ...callRequest('1', name, { message: 'hello, world', n: 1 }, {}),
  ...more,
})

/** The same call over and over. */
async function repeated(
  name: string,
  lines: readonly PluginLine[],
  over?: string,
  tool = 'up__echo',
  kernel?: Kernel,
): Promise<Case> {
  const found = kernel ?? (await kernelWith(lines))
  const { principal, path, client } = new TestCallers(CALLER).complete()
  const caller = found.callers.get(principal, path, '', () => client)
  const one = request(tool)
  return {
    name,
    ...(over === undefined ? {} : { over }),
    async run(times) {
      for (let i = 0; i < times; i++) {
        const outcome = found.call(one, caller, exchange())
        const settled = outcome instanceof Promise ? await outcome : outcome
        if (settled.kind !== 'result') throw new Error(`${name}: ${JSON.stringify(settled)}`)
      }
    },
  }
}

/** Six listeners, each a function of its own, as six plugins have. */
const SIX: readonly Hooks['beforeCall'][] = [
  () => undefined,
  ({ args }) => (args.bad === true ? deny('FORBIDDEN', 'bad') : undefined),
  ({ entry }) => (entry.name === 'x' ? deny('FORBIDDEN', 'x') : undefined),
  ({ target }) => (target?.upstream === 'x' ? deny('FORBIDDEN', 'x') : undefined),
  ({ caller }) => (caller.path === '/x' ? deny('FORBIDDEN', 'x') : undefined),
  ({ caller }) => (caller.principal.subject === 'x' ? deny('FORBIDDEN', 'x') : undefined),
]

const guards = (count: number) =>
  SIX.slice(0, count).map((beforeCall, i) => line(`guard-${i}`, { beforeCall } as Hooks))

async function asking(): Promise<Case> {
  const question = ask({ ok: { method: 'elicitation/create', params: { message: 'Sure?' } } })
  const beforeCall = ({ answers }: Call) => (answers.ok === undefined ? question : undefined)
  const kernel = await kernelWith([line('asks', { beforeCall })])
  const { principal, path, client } = new TestCallers(CALLER).complete()
  const caller = kernel.callers.get(principal, path, '', () => client)
  return {
    name: 'a call that asks and is answered: two rounds, sealed in between',
    async run(times) {
      for (let i = 0; i < times; i++) {
        const asked = await kernel.call(request('up__echo'), caller, exchange())
        if (asked.kind !== 'question') throw new Error('nothing was asked')
        const responses = Object.fromEntries(
          Object.keys(asked.questions).map((key) => [key, { action: 'accept', content: {} }]),
        )
        const state = (asked as { state?: string }).state
        const again = request('up__echo', { state, responses })
        const outcome = await kernel.call(again, caller, exchange())
        if (outcome.kind !== 'result') throw new Error(JSON.stringify(outcome))
      }
    },
  }
}

const DIRECT = 'a call of a plugin’s own tool'

async function nested(): Promise<Case[]> {
  let kernel: Kernel | undefined
  const calls: Calls = callsService(
    'tools',
    () => kernel,
    (call) => (call instanceof Round ? call : undefined),
  )
  const definition = (name: string) => ({ name, inputSchema: { type: 'object' } })
  const tools: Hooks['tools'] = [
    { definition: definition('direct'), call: () => RESULT },
    {
      definition: definition('around'),
      call: (call) => calls.call(call.caller, 'up__echo', call.args, { parent: call }),
    },
  ]
  kernel = await kernelWith([line('tools', { tools })])
  return [
    await repeated(DIRECT, [], undefined, 'direct', kernel),
    await repeated('the same, with a call inside', [], DIRECT, 'around', kernel),
  ]
}

/** Measures every case. @param rounds how often each is returned to */
export async function contractBench(rounds: number): Promise<ContractRow[]> {
  const six = 'a call, six synchronous guards'
  const cases: Case[] = [
    await repeated(NONE, []),
    await repeated('a call, one synchronous guard', guards(1), NONE),
    await repeated(six, guards(6), NONE),
    await repeated(
      'a call, one guard in shadow',
      [line('s', { beforeCall: SIX[1] } as Hooks, 'shadow')],
      NONE,
    ),
    await repeated(
      'a call, six guards and one in shadow',
      [...guards(6), line('s', { beforeCall: SIX[1] } as Hooks, 'shadow')],
      six,
    ),
    await asking(),
    ...(await nested()),
  ]
  const slices = new Map<Case, number[]>()
  const sizes = new Map<Case, number>()
  for (const one of cases) {
    await one.run(20_000)
    const from = performance.now()
    await one.run(2_000)
    sizes.set(one, Math.max(10, Math.round((2_000 * SLICE) / (performance.now() - from))))
    slices.set(one, [])
  }
  for (let round = 0; round < rounds; round++) {
    const order = cases.map((one) => ({ one, at: Math.random() })).sort((a, b) => a.at - b.at)
    for (const { one } of order) {
      const times = sizes.get(one) as number
      const from = performance.now()
      await one.run(times)
      slices.get(one)?.push(((performance.now() - from) * 1_000) / times)
    }
  }
  const calm = new Map(cases.map((one) => [one.name, quartile(slices.get(one) as number[])]))
  return cases.map(({ name, over }) => {
    const us = calm.get(name) as number
    if (over === undefined) return { name, us }
    return { name, us, over: { name: over, us: us - (calm.get(over) as number) } }
  })
}

function quartile(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 2] as number
}

/** The table as text. */
export function contractTable(rows: readonly ContractRow[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length))
  return rows
    .map(({ name, us, over }) => {
      const more =
        over === undefined ? '' : `  ${over.us.toFixed(2).padStart(6)} us over ${over.name}`
      return `${name.padEnd(width)}  ${us.toFixed(2).padStart(7)} us${more}`
    })
    .join('\n')
}
