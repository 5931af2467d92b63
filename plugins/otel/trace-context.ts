import { randomFillSync } from 'node:crypto'
import type { TraceContext } from 'mcp-patchbay/sdk'

/** Where a span stands in its trace (W3C Trace Context), and what goes on with the call. */
export interface Place {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** 16 hexadecimal digits. */
  readonly spanId: string
  /** The span around it; `undefined` for the first of a trace. */
  readonly parentId: string | undefined
  /** Whether that one is another process's. */
  readonly remote: boolean
  readonly sampled: boolean
  readonly tracestate: string | undefined
  readonly baggage: string | undefined
}

const FORM =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/
/** What `traceparent` is as long as in version 00, which has nothing behind its flags. */
const LENGTH = 55
/** Characters; who has more may cut, and cutting entries is not worth its cost here. */
const LONGEST_STATE = 512
const PRINTABLE = /^[\x20-\x7e]*$/

const POOL = Buffer.alloc(8_192)
let used = POOL.length

/** Random bytes as hexadecimal digits. A pool of them is drawn at a time: the generator is asked seldom. */
export function randomHex(bytes: number): string {
  if (used + bytes > POOL.length) {
    randomFillSync(POOL)
    used = 0
  }
  const from = used
  used += bytes
  return POOL.toString('hex', from, used)
}

/** What a `traceparent` says; `undefined` when it is none. */
export function parentOf({ traceparent }: TraceContext) {
  if (traceparent === undefined) return undefined
  const [, version, traceId, spanId, flags] = FORM.exec(traceparent) ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  if (version === '00' && traceparent.length !== LENGTH) return undefined
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

/** The `tracestate` that goes on: what is too long, or can stand in no header, is none. */
export function stateOf({ tracestate }: TraceContext): string | undefined {
  if (tracestate === undefined || tracestate.length > LONGEST_STATE) return undefined
  return PRINTABLE.test(tracestate) ? tracestate : undefined
}

/** What is sent along with a call whose span is at that place. */
export function contextAt(
  { traceId, sampled, tracestate, baggage }: Place,
  spanId: string,
): TraceContext {
  const context: { -readonly [K in keyof TraceContext]: string } = {
    traceparent: `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`,
  }
  if (tracestate !== undefined) context.tracestate = tracestate
  if (baggage !== undefined) context.baggage = baggage
  return context
}
