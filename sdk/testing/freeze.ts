import type { PluginLine } from '../../core/hooks/hooks.ts'
import { RelayedResult } from '../../core/kernel/outcome.ts'
import { Round } from '../../core/kernel/round.ts'
import { DryCall } from '../../core/services/dry/dry-call.ts'
import type { Call, Command, Filter, Hooks, Maybe, Offered, Presentation } from '../index.ts'

/** Freezes plain objects and arrays all the way down; leaves everything with a life of its own alone. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  const prototype = Object.getPrototypeOf(value)
  const plain = prototype === Object.prototype || prototype === null || Array.isArray(value)
  if (!plain && !(value instanceof RelayedResult)) return value
  // Frozen first, so that a circle ends. A frozen one may still hold what its owner did not freeze.
  if (!frozen.has(value)) {
    frozen.add(value)
    Object.freeze(value)
    for (const name of Reflect.ownKeys(value)) deepFreeze(Reflect.get(value, name))
  }
  return value
}

const frozen = new WeakSet<object>()

/** A map that throws when somebody changes it, holding frozen values. */
export function frozenMap<V>(entries: Iterable<readonly [string, V]>): ReadonlyMap<string, V> {
  const map = new Map<string, V>()
  for (const [key, value] of entries) map.set(key, deepFreeze(value))
  const refuse = () => {
    throw new TypeError('the claimed settings are read-only')
  }
  return Object.assign(map, { set: refuse, delete: refuse, clear: refuse })
}

const calls = new WeakMap<Round | DryCall, Call>()
const rounds = new WeakMap<Call, Round | DryCall>()

/** The round behind the call that a plugin knows. */
export function roundOf(call: Call): Round | undefined {
  const round = rounds.get(call)
  return round instanceof Round ? round : undefined
}

/** The call as the contract describes it: nothing more to read, nothing to write. */
function readOnlyCall(round: Round | DryCall): Call {
  let call = calls.get(round)
  if (call === undefined) {
    call = Object.freeze<Call>({
      id: round.id,
      method: round.method,
      caller: deepFreeze(round.caller),
      entry: deepFreeze(round.entry),
      candidates: deepFreeze(round.candidates),
      depth: round.depth,
      dry: round.dry,
      get target() {
        return deepFreeze(round.target)
      },
      get args() {
        return deepFreeze(round.args)
      },
      get audience() {
        return round.audience
      },
      get meta() {
        return deepFreeze(round.meta)
      },
      get signal() {
        return round.signal
      },
      get first() {
        return round.first
      },
      get answers() {
        return deepFreeze(round.answers)
      },
      // Methods, as in a running gateway: taken off the call they do not work.
      canAsk(method, mode) {
        return own(this).canAsk(method, mode)
      },
      onEnd(run) {
        own(this).onEnd(run)
      },
    })
    calls.set(round, call)
    rounds.set(call, round)
    // Its getters freeze what they give; to look for more would read what no plugin has asked for.
    frozen.add(call)
  }
  return call
}

function own(call: Call | undefined): Round | DryCall {
  const round = call === undefined ? undefined : rounds.get(call)
  if (round !== undefined) return round
  throw new TypeError('a method was taken off its call: write `call.canAsk(…)`, `call.onEnd(…)`')
}

/** What a plugin may see of an argument of one of its hooks. */
export function frozenArgument(value: unknown): unknown {
  if (value instanceof Round || value instanceof DryCall) return readOnlyCall(value)
  if (holdsCall(value)) return deepFreeze({ ...value, call: readOnlyCall(value.call) })
  return deepFreeze(value)
}

function holdsCall(value: unknown): value is { readonly call: Round } {
  return (
    typeof value === 'object' && value !== null && 'call' in value && value.call instanceof Round
  )
}

function frozenOffer(offered: Offered<object>): Offered<object> {
  return {
    definition: deepFreeze(offered.definition),
    call: (call) => offered.call(frozenArgument(call) as Call),
  }
}

/** The line with hooks that receive everything frozen, and so throw where a plugin writes into it. */
export function frozenLine(line: PluginLine): PluginLine {
  const hooks: Record<string, unknown> = {}
  for (const [name, hook] of Object.entries(line.hooks)) {
    if (typeof hook === 'function') hooks[name] = frozenHook(line.hooks, name as keyof Hooks, hook)
  }
  for (const name of ['tools', 'prompts', 'resources'] as const) {
    const offered: readonly Offered<object>[] | undefined = line.hooks[name]
    if (Array.isArray(offered)) hooks[name] = offered.map(frozenOffer)
  }
  const { commands, observes } = line.hooks
  if (observes !== undefined) hooks.observes = observes
  if (commands !== undefined) {
    const frozen = Object.entries(commands).map(([name, one]) => [name, frozenCommand(one)])
    hooks.commands = Object.fromEntries(frozen)
  }
  return { ...line, hooks: hooks as Hooks }
}

function frozenCommand(command: Command): Command {
  return {
    ...command,
    run: (args, context) => command.run(deepFreeze(args), deepFreeze(context)),
  }
}

function frozenHook(hooks: Hooks, name: keyof Hooks, hook: (...args: never[]) => unknown): unknown {
  const run = (...args: unknown[]): unknown =>
    hook.apply(hooks, args.map(frozenArgument) as never[])
  if (name === 'listFilter') return (...args: unknown[]) => later(run(...args), frozenFilter)
  if (name === 'present') return (...args: unknown[]) => later(run(...args), frozenPresentation)
  return name === 'routes' ? hook.bind(hooks) : run
}

function later<T, R>(value: unknown, then: (value: T) => R): Maybe<R> {
  return value instanceof Promise ? value.then(then) : then(value as T)
}

function frozenFilter(filter: Filter | undefined): Filter | undefined {
  if (filter === undefined) return undefined
  return {
    key: filter.key,
    ...(filter.until === undefined ? {} : { until: filter.until }),
    test: (entry, target) => filter.test(deepFreeze(entry), deepFreeze(target)),
  }
}

function frozenPresentation(presentation: Presentation | undefined): Presentation | undefined {
  if (presentation === undefined) return undefined
  return {
    key: presentation.key,
    ...(presentation.until === undefined ? {} : { until: presentation.until }),
    apply: (entries) => presentation.apply(deepFreeze(entries)),
  }
}
