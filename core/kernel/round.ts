import type { Call, Caller, Entry, Question, Target, Verdict } from '../../sdk/index.ts'
import { hear } from '../hooks/hooks.ts'
import { missingCapabilities } from '../wire/capabilities.ts'
import { findMember, memberText } from '../wire/json.ts'
import type { PausedCall } from './paused-call.ts'
import type { CallRequest, Exchange } from './ports.ts'

const ENVELOPE = 'io.modelcontextprotocol/'
const NO_META: Readonly<Record<string, unknown>> = Object.freeze({})
const NO_REFUSALS: Readonly<Record<string, string>> = Object.freeze({})
const NO_ANSWERS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = Object.freeze({})

/**
 * A call under way at an upstream. An object and no function: V8 makes functions that are assigned to a
 * property live long, and whatever they hold with them (measured: a sixth of a call's CPU).
 */
export interface OpenCall {
  cancel(reason: string): void
}

/** Whose credentials the upstream of a target sees for a caller. */
export type Identify = (target: Target | undefined, caller: Caller) => string

/** One pass of a call through the plugins; what they know as `Call`, plus what only core may touch. */
export class Round implements Call {
  readonly id: string
  readonly dry = false
  readonly request: CallRequest
  readonly caller: Caller
  readonly entry: Entry
  readonly candidates: readonly Target[]
  readonly exchange: Exchange
  /** What this round goes on with, when an earlier one asked. */
  readonly paused: PausedCall | undefined
  /** The call around this one, when a plugin made it. */
  readonly parent: Round | undefined
  /** The plugin whose hook runs now: `first` and `answers` are its own. */
  current = ''
  /** Plugins whose answers were about something else than what is sent now. */
  forgotten: ReadonlySet<string> | undefined
  /** The way back has begun: nobody can be asked any more. */
  returning = false
  /** What plugins in shadow would have refused. */
  shadowed: Verdict[] | undefined
  target: Target | undefined
  args: Readonly<Record<string, unknown>>
  /** Set by the outbound room while the call is open there. */
  open: OpenCall | undefined
  #inner: Set<Round> | undefined
  /** The paused calls inside this one that go on already. */
  resumed: readonly PausedCall[] | undefined
  /** Why the caller no longer wants the answer. */
  cancelled: string | undefined
  /** What goes to the upstream that asked, where plugins have judged the answers. */
  answersText: string | undefined
  /** Milliseconds spent waiting for the upstream. */
  upstreamDuration = 0
  #audience: string | undefined
  /** Whose credentials an upstream sees. @throws TypeError while no target is chosen */
  readonly identify: Identify
  #controller: AbortController | undefined
  #ends: (() => void)[] | undefined
  #over = false

  constructor(
    id: string,
    request: CallRequest,
    caller: Caller,
    entry: Entry,
    candidates: readonly Target[],
    exchange: Exchange,
    paused: PausedCall | undefined,
    parent: Round | undefined,
    identify: Identify,
  ) {
    this.id = id
    this.request = request
    this.caller = caller
    this.entry = entry
    this.candidates = candidates
    this.exchange = exchange
    this.paused = paused
    this.parent = parent
    // Nobody can be asked from inside a way back.
    this.returning = parent?.returning ?? false
    this.target = candidates.length === 1 ? candidates[0] : undefined
    this.args = request.args
    this.identify = identify
  }

  /** What an upstream's questions are answered with: the source text, and the state to go with it. */
  get answering(): { readonly text: string; readonly state: string | undefined } | undefined {
    const { relayed } = this.paused ?? {}
    if (relayed === undefined) {
      // Its client has answers without a state: those of a server that gave none.
      const { responses, state } = this.request
      if (responses === undefined || state !== undefined) return undefined
      return { text: responsesText(this), state: undefined }
    }
    const text = this.answersText ?? relayed.responses ?? responsesText(this)
    return { text, state: relayed.state }
  }

  get depth(): number {
    return this.parent === undefined ? 0 : this.parent.depth + 1
  }

  /** Calls that plugins make while this one runs. */
  get inner(): Set<Round> {
    this.#inner ??= new Set()
    return this.#inner
  }

  get method(): Call['method'] {
    return this.request.method
  }

  get audience(): string {
    this.#audience ??= this.identify(this.target, this.caller)
    return this.#audience
  }

  get meta(): Readonly<Record<string, unknown>> {
    const { meta } = this.request
    const names = Object.keys(meta).filter((name) => !name.startsWith(ENVELOPE))
    return names.length === 0
      ? NO_META
      : Object.fromEntries(names.map((name) => [name, meta[name]]))
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.cancelled !== undefined) this.#controller.abort(this.cancelled)
    }
    return this.#controller.signal
  }

  get first(): boolean {
    return this.isFirst(this.current)
  }

  /** Whether a plugin's `beforeCall` was not reached in an earlier round. */
  isFirst(plugin: string): boolean {
    return this.paused === undefined || !this.paused.passed.includes(plugin)
  }

  get answers(): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
    if (this.paused === undefined || this.forgotten?.has(this.current)) return NO_ANSWERS
    return this.paused.answers[this.current] ?? NO_ANSWERS
  }

  canAsk(method: Question['method'], mode: 'form' | 'url' = 'form'): boolean {
    return Object.keys(this.missing({ method, params: { mode } })).length === 0
  }

  /** What stands in the way of a question: capabilities by name; empty when it can be asked. */
  missing({ method, params }: Question): Record<string, object> {
    const { client } = this.caller
    const asked = this.returning ? { ...client, capabilities: {} } : client
    return missingCapabilities(asked, method, params?.mode)
  }

  onEnd(run: () => void): void {
    if (this.#over) hear(run(), () => {})
    else {
      this.#ends ??= []
      this.#ends.push(run)
    }
  }

  /** The call is over. @param failed told of what a plugin's `onEnd` throws */
  end(failed: (cause: unknown) => void): void {
    this.#over = true
    for (const run of this.#ends ?? []) {
      try {
        hear(run(), failed)
      } catch (cause) {
        failed(cause)
      }
    }
    this.#ends = undefined
  }

  /** Sends the call elsewhere; the audience is asked for anew. */
  retarget(target: Target): void {
    this.target = target
    this.#audience = undefined
  }

  /** The caller went away or said so. Idempotent. */
  cancel(reason: string): void {
    if (this.cancelled !== undefined) return
    this.cancelled = reason
    this.#controller?.abort(reason)
    this.open?.cancel(reason)
    for (const round of this.#inner ?? []) round.cancel(reason)
  }
}

/** What the client would not answer, however deep the call is that asked. */
export function refusalsOf({ parent, request }: Round): NonNullable<CallRequest['refusals']> {
  return parent === undefined ? (request.refusals ?? NO_REFUSALS) : refusalsOf(parent)
}

/** What the client answered, as it wrote it, however deep the call is that asked. */
export function responsesText({ parent, request }: Round): string {
  if (parent !== undefined) return responsesText(parent)
  const { text, params, responsesText: said } = request
  if (said !== undefined) return said
  const at = findMember(text, params, 'inputResponses')
  return at < 0 ? '{}' : memberText(text, params, at)
}
