import type {
  Caller,
  ChangeTarget,
  Entry,
  Maybe,
  PermittedEntry,
  Question,
  Target,
} from '../../../sdk/index.ts'
import { messageOf } from '../../hooks/errors.ts'
import { atOnce, isPromise, type Listener, type PluginLine, type Step } from '../../hooks/hooks.ts'
import type { Wheel } from '../../hooks/wheel.ts'
import { identifier } from '../../kernel/identifier.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { nestedRequest } from '../../kernel/nested.ts'
import type { CallRequest, Exchange } from '../../kernel/ports.ts'
import { Round } from '../../kernel/round.ts'
import { applyShape } from '../../kernel/verdict.ts'
import { DryCall } from '../../services/dry/dry-call.ts'
import type { DryRuns } from '../../services/dry/dry-runs.ts'
import { verdictOf } from '../../services/dry/shadow-plugins.ts'
import { readMembers } from '../../wire/json.ts'

type Args = Readonly<Record<string, unknown>>

/** What one plugin would say to a call. */
export interface RehearsedStep {
  readonly plugin: string
  readonly phase: 'shape' | 'guard'
  /** `shadow`: what it says does not count. */
  readonly mode: 'enforce' | 'shadow'
  /** `not-run`: it does not say that it can run dry. `failed`: it threw, hung, or said what it may not. */
  readonly verdict: 'none' | 'change' | 'answer' | 'ask' | 'deny' | 'failed' | 'not-run'
  /** Of a denial. */
  readonly code?: string
  readonly rule?: string
  /** Of a denial or a failure. */
  readonly message?: string
  /** Of a change: only what it changes. */
  readonly args?: Args
  readonly target?: ChangeTarget
  /** Of an answer. */
  readonly result?: Readonly<Record<string, unknown>>
  /** Of an ask. */
  readonly questions?: Readonly<Record<string, Question>>
}

/** The way forward of a call that is not made. */
export interface Rehearsal {
  readonly steps: readonly RehearsedStep[]
  /** What would become of the call; `ambiguous`: no plugin chooses a target. */
  readonly end: 'sent' | 'answered' | 'asked' | 'denied' | 'ambiguous' | 'failed'
  /** Where it would go, as far as it comes. */
  readonly target?: ChangeTarget
  /** What would be sent, or what the last plugin saw. */
  readonly args: Args
  /** Whether every plugin that it reaches was asked: what others would say is not known. */
  readonly complete: boolean
}

/** What a rehearsal takes place in. */
export interface Stage {
  readonly kernel: Kernel
  readonly lines: readonly PluginLine[]
  readonly runs: DryRuns
  readonly wheel: Wheel
}

/** The client's side of a call that nobody made. */
const NOWHERE: Exchange = {
  wire: 'none',
  requestId: '',
  sessionId: undefined,
  headers: {},
  message() {},
  round: undefined,
}

/** For ids that no two calls of this process have. */
let rehearsals = 0

/** What each verdict ends the way forward with; the others let it go on. */
const ENDS: Partial<Record<RehearsedStep['verdict'], Rehearsal['end']>> = {
  ask: 'asked',
  deny: 'denied',
  failed: 'failed',
}

/**
 * Asks shapers and guards, in their order, what they would say to a call. Nothing is sent, and nothing stays.
 * @param name what is asked for: of a template one of its URIs
 */
export async function rehearse(
  stage: Stage,
  caller: Caller,
  entry: PermittedEntry,
  args: Args,
  name = entry.name,
): Promise<Rehearsal> {
  const { hooks } = stage.kernel
  const { shapers, guards } = hooks
  const { candidates, ...permitted } = entry
  const round = new Round(
    `rehearsal-${++rehearsals}`,
    requestOf(entry, name, args),
    caller,
    permitted,
    candidates,
    { ...NOWHERE },
    undefined,
    undefined,
    identifier(hooks),
  )
  try {
    return await go(stage, round, shapers ?? [], guards ?? [])
  } finally {
    // Plugins may hold something for as long as the call runs. What one throws now is nobody's news.
    round.end(() => {})
  }
}

/** The request of a call to an entry, as a wire would have handed it over. */
function requestOf({ kind }: Entry, name: string, args: Args): CallRequest {
  if (kind === 'tool') return nestedRequest(name, args)
  if (kind === 'prompt') return { ...nestedRequest(name, args), method: 'prompts/get' }
  const text = JSON.stringify({ params: { uri: name } })
  const params = readMembers(text, readMembers(text)[2])
  const method = 'resources/read'
  return { method, name, args: { uri: name }, text, params, argsAt: -1, meta: {} }
}

/** The targets of an entry that filters in shadow would refuse to a caller, each with the rule. */
export async function shadowRefusals(
  { kernel, runs, wheel }: Stage,
  caller: Caller,
  entry: Entry,
): Promise<{ readonly plugin: string; readonly rule: string; readonly target: Target }[]> {
  const all = (kernel.hooks.shadowFilters ?? []).map(async ({ plugin, run: hook, limit }) => {
    const dry = { plugin, scratch: true }
    const refused = (target: Target, rule = '') => ({ plugin, rule, target })
    try {
      const filter = await limited(wheel, runs.enter(dry, hook, caller), limit)
      if (filter == null) return []
      return entry.targets.flatMap((target) => {
        const said = runs.enter(dry, (one: Target) => atOnce(filter.test(entry, one)), target)
        return said === true ? [] : refused(target, said?.rule)
      })
    } catch {
      return entry.targets.map((target) => refused(target, 'failed'))
    }
  })
  return (await Promise.all(all)).flat()
}

async function go(
  stage: Stage,
  round: Round,
  shapers: readonly Step[],
  guards: readonly Step[],
): Promise<Rehearsal> {
  const steps: RehearsedStep[] = []
  const over = (end: Rehearsal['end']): Rehearsal => {
    const { target } = round
    return {
      steps,
      end,
      ...(target === undefined ? {} : { target: nameOf(target) }),
      args: round.args,
      complete: steps.every(({ verdict }) => verdict !== 'not-run'),
    }
  }
  let isAnswered = false
  for (const step of shapers) {
    const said = await ask(stage, round, step, false)
    if (said === undefined) continue
    steps.push(said)
    const end = said.mode === 'shadow' ? undefined : ENDS[said.verdict]
    if (end !== undefined) return over(end)
    isAnswered = said.mode !== 'shadow' && said.verdict === 'answer'
    if (isAnswered) break
  }
  if (!isAnswered && round.target === undefined) return over('ambiguous')
  for (const step of guards) {
    const said = await ask(stage, round, step, true)
    if (said === undefined) continue
    steps.push(said)
    const end = said.mode === 'shadow' ? undefined : ENDS[said.verdict]
    if (end !== undefined) return over(end)
  }
  return over(isAnswered ? 'answered' : 'sent')
}

/** `undefined` for a plugin that has no say on the way forward. */
async function ask(
  stage: Stage,
  round: Round,
  { plugin, before, dry }: Step,
  isGuard: boolean,
): Promise<RehearsedStep | undefined> {
  const one = before ?? dry
  if (one === null) return undefined
  const phase = isGuard ? 'guard' : 'shape'
  const common = { plugin, phase, mode: before === null ? 'shadow' : 'enforce' } as const
  if (stage.lines.find(({ id }) => id === plugin)?.shadow !== true) {
    return { ...common, verdict: 'not-run' }
  }
  try {
    const said = await run(stage, round, one)
    const { verdict } = verdictOf(plugin, round, isGuard, said)
    // A line in shadow changes nothing for those after it.
    if (verdict === 'change' && before !== null) applyShape(round, plugin, said)
    return { ...common, verdict: verdict as RehearsedStep['verdict'], ...detailOf(said) }
  } catch (cause) {
    return { ...common, verdict: 'failed', message: messageOf(cause) }
  }
}

/** Runs `beforeCall` dry. */
function run(
  { runs, wheel }: Stage,
  round: Round,
  { plugin, run: hook, limit }: Listener<'beforeCall'>,
): Maybe<unknown> {
  const dry = { plugin, scratch: true }
  return limited<unknown>(wheel, runs.enter(dry, hook, new DryCall(round, runs, dry)), limit)
}

/** Waits for an answer, no longer than it may take. */
function limited<T>(wheel: Wheel, said: Maybe<T>, limit: number): Maybe<T> {
  if (!isPromise(said)) return said
  return wheel.limit(said, limit, () => new Error(`did not settle within ${limit} ms`))
}

/** What a step tells of a valid verdict. */
function detailOf(said: unknown): Partial<RehearsedStep> {
  if (said == null) return {}
  const { code, rule, message, args, target, result, questions } = said as RehearsedStep
  const all = { code, rule, message, args, result, questions, target: target && nameOf(target) }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

function nameOf({ upstream, name }: ChangeTarget): ChangeTarget {
  return { upstream, name }
}
