import { AsyncLocalStorage } from 'node:async_hooks'
import { type Calls, InvalidSettings, type Maybe, type Outcome } from 'mcp-patchbay/sdk'
import type { Deadlines } from './deadlines.ts'
import { takeFrom } from './document.ts'
import { saysSame } from './exact.ts'
import { RuleFailure } from './failure.ts'
import type { Path } from './path.ts'
import { pathAt, SCOPE_ROOTS } from './predicate.ts'
import type { Scope } from './scope.ts'
import { type Source, sized } from './source.ts'

/** One argument as an operator writes it. */
export interface ArgumentSettings {
  readonly path?: string
  readonly value?: unknown
  readonly default?: unknown
}

/** A rule's source call under way, within those around it. */
interface Frame {
  readonly rule: string
  readonly outer: Frame | undefined
  cyclic: boolean
}

/** Knows which rules a call was made for, so that none runs inside itself. */
export class Frames {
  readonly #running = new AsyncLocalStorage<Frame>()

  /** Makes a call for a rule. @returns what it returns, and whether it led back to the rule */
  run(rule: string, call: () => Maybe<Outcome>): { outcome: Maybe<Outcome>; frame: Frame } {
    const frame: Frame = { rule, outer: this.#running.getStore(), cyclic: false }
    return { outcome: this.#running.run(frame, call), frame }
  }

  /** Whether this runs inside the rule's own source call. All that were made since are told. */
  isInside(rule: string): boolean {
    const found = this.#find(rule)
    if (found === undefined) return false
    for (let one = this.#running.getStore(); one !== found; one = one?.outer) {
      if (one !== undefined) one.cyclic = true
    }
    found.cyclic = true
    return true
  }

  #find(rule: string): Frame | undefined {
    let one = this.#running.getStore()
    while (one !== undefined && one.rule !== rule) one = one.outer
    return one
  }
}

const DENIED: ReadonlySet<string> = new Set([
  'UNAUTHENTICATED',
  'INSUFFICIENT_SCOPE',
  'LOGIN_REQUIRED',
  'FORBIDDEN',
  'NOT_FOUND',
])

type Argument = (scope: Scope) => unknown

/** How source calls are made and waited for. */
export interface ToolPorts {
  readonly calls: Calls
  readonly frames: Frames
  readonly deadlines: Deadlines
}

/** What a tool source is made of. */
export interface ToolOptions {
  readonly rule: string
  readonly name: string
  readonly args: Readonly<Record<string, ArgumentSettings>>
  readonly take: Path
  readonly maxBytes: number
}

/** Another tool, called as the caller itself would: whoever may not use it gets nothing of it. */
export class ToolSource implements Source {
  readonly #ports: ToolPorts
  readonly #options: ToolOptions
  readonly #args: readonly (readonly [name: string, argument: Argument])[]

  /** @param at where it stands in the settings @throws InvalidSettings */
  constructor(options: ToolOptions, ports: ToolPorts, at: string) {
    this.#options = options
    this.#ports = ports
    this.#args = Object.entries(options.args).map(
      ([name, one]) => [name, argumentOf(one, `${at}.args.${name}`)] as const,
    )
  }

  find(scope: Scope, ms: number): Maybe<unknown> {
    const { calls, frames, deadlines } = this.#ports
    const { rule, name } = this.#options
    const args = Object.fromEntries(this.#args.map(([key, argument]) => [key, argument(scope)]))
    const { call } = scope
    if (name === call.entry.name && saysSame(args, call.args)) throw cycle()
    const { outcome, frame } = frames.run(rule, () =>
      calls.call(call.caller, name, args, { parent: call }),
    )
    const read = (ended: Outcome) => {
      if (frame.cyclic) throw cycle()
      return this.#read(ended)
    }
    if (!(outcome instanceof Promise)) return read(outcome)
    return deadlines.limit(outcome, ms).then(read)
  }

  #read(outcome: Outcome): unknown {
    const { name, take, maxBytes } = this.#options
    // What the source says of itself is for whoever called it, and here nobody did.
    if (outcome.kind === 'denial' && DENIED.has(outcome.code)) {
      const detail = `${name}: ${outcome.code} ${outcome.message}`
      throw new RuleFailure('SOURCE_DENIED', 'its source is not open to this caller', detail)
    }
    if (outcome.kind !== 'result') {
      const how = 'code' in outcome ? outcome.code : outcome.kind
      throw new RuleFailure('SOURCE_FAILED', 'its source failed', `${name}: ${how}`)
    }
    if (outcome.result.isError === true) {
      throw new RuleFailure('SOURCE_FAILED', 'its source failed', `${name}: isError`)
    }
    return sized(takeFrom(outcome.result, take.steps, maxBytes), take, maxBytes)
  }
}

function cycle(): RuleFailure {
  return new RuleFailure('CYCLE', 'its source leads back to the rule itself')
}

function argumentOf(settings: ArgumentSettings, at: string): Argument {
  const { path: text, value } = settings
  if ((text === undefined) === (value === undefined)) {
    const hint =
      'Write `path` for what is taken from the call, `value` for what is always the same.'
    throw new InvalidSettings(at, 'needs either path or value', hint)
  }
  if (text === undefined) {
    if (settings.default === undefined) return () => value
    throw new InvalidSettings(
      `${at}.default`,
      'has no path beside it',
      'Write `path`, or take it out.',
    )
  }
  const path = pathAt(text, SCOPE_ROOTS, `${at}.path`)
  const fallback = settings.default
  if (fallback === undefined) return (scope) => scope.take(path)
  return (scope) => (scope.read(path) === undefined ? fallback : scope.take(path))
}
