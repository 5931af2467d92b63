import type { Call, Caller, Entry, Target } from '../../sdk/index.ts'
import type { CallRequest, Exchange } from './ports.ts'

const ENVELOPE = 'io.modelcontextprotocol/'
const NO_META: Readonly<Record<string, unknown>> = Object.freeze({})

/**
 * A call under way at an upstream. An object and no function: V8 makes functions that are assigned to a
 * property live long, and whatever they hold with them (measured: a sixth of a call's CPU).
 */
export interface OpenCall {
  cancel(reason: string): void
}

/** One pass of a call through the plugins; what they know as `Call`, plus what only core may touch. */
export class Round implements Call {
  readonly id: string
  readonly request: CallRequest
  readonly caller: Caller
  readonly entry: Entry
  readonly candidates: readonly Target[]
  readonly exchange: Exchange
  target: Target | undefined
  args: Readonly<Record<string, unknown>>
  /** Set by the outbound room while the call is open there. */
  open: OpenCall | undefined
  /** Why the caller no longer wants the answer. */
  cancelled: string | undefined
  /** Milliseconds spent waiting for the upstream. */
  upstreamDuration = 0
  #audience: string | undefined
  readonly #identify: (round: Round) => string
  #controller: AbortController | undefined

  constructor(
    id: string,
    request: CallRequest,
    caller: Caller,
    entry: Entry,
    candidates: readonly Target[],
    exchange: Exchange,
    identify: (round: Round) => string,
  ) {
    this.id = id
    this.request = request
    this.caller = caller
    this.entry = entry
    this.candidates = candidates
    this.exchange = exchange
    this.target = candidates.length === 1 ? candidates[0] : undefined
    this.args = request.args
    this.#identify = identify
  }

  get method(): 'tools/call' {
    return this.request.method
  }

  get audience(): string {
    this.#audience ??= this.#identify(this)
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
  }
}
