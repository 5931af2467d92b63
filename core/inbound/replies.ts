import {
  type Client,
  type Denial,
  type DenialCode,
  deny,
  type Entry,
  type Failure,
  type Outcome,
  type QuestionOutcome,
} from '../../sdk/index.ts'
import type { EntryMethod } from '../catalog/ports.ts'
import { RelayedError, RelayedResult } from '../kernel/outcome.ts'
import { PausedOutcome } from '../kernel/paused-call.ts'
import type { Shapes } from '../kernel/ports.ts'
import { editMembers } from '../wire/json.ts'
import { CODE, type Implementation, META } from '../wire/protocol.ts'
import { legacyResult, modernResult, withTerms } from './relayed-result.ts'

/** What goes back over a wire: the rest of a JSON-RPC response behind its id, and how to send it. */
export interface Reply {
  /** The HTTP status, where one can still be sent. */
  readonly status: number
  /** `"result":…` or `"error":…`. */
  readonly body: string
  /** The refusal that must be told with a challenge (401, 403). */
  readonly challenge?: Denial
}

/** What the table needs to know about the request. */
export interface ReplyContext {
  readonly era: 'legacy' | 'modern'
  readonly requestId: string
  /** Whether an HTTP status can still be sent: no stream was opened, and the wire has statuses. */
  readonly status: boolean
  /** Whether the wire has no statuses at all: then whom nobody knows is told so by the code alone. */
  readonly stdio?: boolean
  /** Who asked, and for what, where a call is answered: what is relayed takes the shape of their revision. */
  readonly client?: Client
  readonly method?: EntryMethod
  readonly entry?: Entry | undefined
}

/** What callers may know. */
export interface ReplySettings {
  readonly us: Implementation
  /** Whether callers learn which plugin and rule refused or failed. */
  readonly showPlugin: boolean
  readonly shapes: Shapes
  /** Whether what one caller reads may be another than what others do. */
  readonly differ: boolean
}

const APPLICATION_CODES: Partial<Record<DenialCode | Failure['code'], number>> = {
  UNAUTHENTICATED: CODE.unauthenticated,
  INSUFFICIENT_SCOPE: CODE.insufficientScope,
  FORBIDDEN: CODE.forbidden,
  LOGIN_REQUIRED: CODE.loginRequired,
  RATE_LIMITED: CODE.rateLimited,
  UNAVAILABLE: CODE.unavailable,
  TIMEOUT: CODE.timeout,
  NOT_FOUND: CODE.invalidParams,
  INVALID: CODE.invalidParams,
}

/** HTTP statuses of refusals that come before any message was read. */
const DOOR: Partial<Record<DenialCode | Failure['code'], number>> = {
  UNAUTHENTICATED: 401,
  INSUFFICIENT_SCOPE: 403,
  FORBIDDEN: 403,
  LOGIN_REQUIRED: 403,
  // Not 404: that tells legacy clients that their session is gone.
  NOT_FOUND: 403,
  RATE_LIMITED: 429,
  INVALID: 400,
  UNAVAILABLE: 503,
  TIMEOUT: 504,
}

const RESULT = '"result":'

const CANNOT_ASK = 'This has to ask something first, and this client cannot be asked here'
const CAN_ASK =
  'Use a client that declares what it can be asked, and has a session if its protocol has them.'

/** The one table from outcomes and wire errors to what a client reads (architecture, section 7). */
export class Replies {
  readonly #settings: ReplySettings
  readonly #stamp: string

  constructor(settings: ReplySettings) {
    this.#settings = settings
    this.#stamp = `"resultType":"complete","_meta":{"${META.serverInfo}":${JSON.stringify(settings.us)}}`
  }

  /** A result of our own, shaped for the client's era. */
  result(era: ReplyContext['era'], members: string): Reply {
    const parts = era === 'modern' ? [this.#stamp, members] : [members]
    return { status: 200, body: `"result":{${parts.filter(Boolean).join(',')}}` }
  }

  /** A JSON-RPC error. `data` is left out when undefined. */
  error(status: number, code: number, message: string, data?: unknown): Reply {
    return { status, body: `"error":${JSON.stringify({ code, message, data })}` }
  }

  /** How a tools/call ended. */
  toolCall(outcome: Exclude<Outcome, { kind: 'cancelled' }>, context: ReplyContext): Reply {
    if (outcome.kind === 'result') {
      const { result } = outcome
      const text = outcome instanceof RelayedResult ? outcome.text : JSON.stringify(result)
      const shaped =
        context.era === 'modern'
          ? modernResult(result, text, this.#stamp)
          : legacyResult(result, text, this.#settings.shapes, context)
      return { status: 200, body: `${RESULT}${shaped}` }
    }
    if (outcome.kind === 'failure' && outcome.error !== undefined) {
      const { client } = context
      const told = client && this.#settings.shapes.unknownError(outcome.error, client)
      if (told !== undefined) return this.#toolError(told, undefined, context)
      return this.#upstreamError(outcome, outcome.error, context.era)
    }
    if (outcome.kind === 'question') return this.#question(outcome, context)
    const common = this.#common(outcome, context)
    if (common !== undefined) return common
    return this.#toolError(textOf(outcome), this.#data(outcome), context)
  }

  /** Not an HTTP status and not a JSON-RPC error: clients fail on those instead of telling the model. */
  #toolError(text: string, error: object | undefined, { era }: ReplyContext): Reply {
    const modern = era === 'modern'
    const by = modern ? { [META.serverInfo]: this.#settings.us } : {}
    const content = [{ type: 'text', text }]
    const result = { content, isError: true, _meta: { 'patchbay/error': error, ...by } }
    const shaped = modern ? { resultType: 'complete', ...result } : result
    return { status: 200, body: `"result":${JSON.stringify(shaped)}` }
  }

  /**
   * How a request that is aimed at a prompt or a resource ended.
   * @param uri of the resource
   */
  entryCall(
    outcome: Exclude<Outcome, { kind: 'cancelled' }>,
    context: ReplyContext,
    uri: string | undefined,
  ): Reply {
    if (outcome.kind === 'question') {
      if (outcome instanceof PausedOutcome || context.era === 'modern') {
        return this.#question(outcome, context)
      }
      return this.refusal(deny('INVALID', CANNOT_ASK, { hint: CAN_ASK }), context)
    }
    if (outcome.kind !== 'result') {
      if (outcome.kind === 'failure' && outcome.error !== undefined) {
        return this.#upstreamError(outcome, outcome.error, context.era)
      }
      if (outcome.code !== 'NOT_FOUND' || uri === undefined) return this.refusal(outcome, context)
      const code = context.era === 'modern' ? CODE.invalidParams : CODE.resourceNotFound
      return this.error(200, code, textOf(outcome), { ...this.#data(outcome), uri })
    }
    const reply = this.toolCall(outcome, context)
    if (uri === undefined || context.era === 'legacy') return reply
    const { result } = outcome
    const kept = withTerms(result, reply.body.slice(RESULT.length), this.#settings.differ)
    return { ...reply, body: `${RESULT}${kept}` }
  }

  /** A call that waits for answers, or must end because this client cannot be asked. */
  #question(outcome: QuestionOutcome, { era, status }: ReplyContext): Reply {
    const { questions, missing } = outcome
    if (outcome instanceof PausedOutcome) {
      const asked = outcome.text ?? JSON.stringify(questions)
      const members = `"inputRequests":${asked},"requestState":${JSON.stringify(outcome.state)}`
      return {
        status: 200,
        body: `"result":{${this.#stamp.replace('complete', 'input_required')},${members}}`,
      }
    }
    if (era === 'modern') {
      const names = Object.keys(missing ?? {}).join(', ')
      const text = `This has to ask something first: declare the capability ${names}.`
      const data = { requiredCapabilities: missing }
      return this.error(status ? 400 : 200, CODE.missingCapability, text, data)
    }
    const error = { code: 'INVALID', message: CANNOT_ASK, hint: CAN_ASK }
    const content = [{ type: 'text', text: `${CANNOT_ASK}. ${CAN_ASK}` }]
    const result = { content, isError: true, _meta: { 'patchbay/error': error } }
    return { status: 200, body: `"result":${JSON.stringify(result)}` }
  }

  /** How any other method was refused or failed. */
  refusal(outcome: Denial | Failure, context: ReplyContext): Reply {
    const common = this.#common(outcome, context)
    if (common !== undefined) return common
    const code = APPLICATION_CODES[outcome.code] ?? CODE.internal
    return this.error(200, code, textOf(outcome), this.#data(outcome))
  }

  /**
   * A refusal at the door, where no message was read and nobody could be answered in-band. Nobody is
   * let in by a plugin that failed, and nobody is told that it was their fault.
   */
  door(why: Denial | Failure, requestId: string): Reply {
    const reply = this.refusal(why, { era: 'modern', requestId, status: true })
    const status = DOOR[why.code] ?? 500
    // How to authenticate helps with every 401 and 403.
    const told = why.kind === 'denial' && (status === 401 || status === 403)
    return { status, body: reply.body, ...(told ? { challenge: why } : {}) }
  }

  /** A revision that is not spoken here. @param supported those that are, as this client can ask for them */
  version(requested: unknown, supported: readonly string[]): Reply {
    return this.error(400, CODE.version, `Unsupported protocol version: ${String(requested)}`, {
      supported,
      requested,
    })
  }

  /** A header does not mirror the body as it must. */
  mismatch(header: string): Reply {
    const reason = `Header mismatch: ${header} is missing or differs from the body`
    return this.error(400, CODE.headerMismatch, reason)
  }

  /** A method that is not served. */
  unknownMethod(method: string, era: ReplyContext['era']): Reply {
    return this.error(
      era === 'modern' ? 404 : 200,
      CODE.unknownMethod,
      `Method not found: ${method}`,
    )
  }

  /** An upstream's own JSON-RPC error, as it is. */
  #upstreamError(
    outcome: Failure,
    error: NonNullable<Failure['error']>,
    era: ReplyContext['era'],
  ): Reply {
    const text = outcome instanceof RelayedError ? outcome.text : JSON.stringify(error)
    // 2026-07-28 says it with another code and forbids this one.
    const body =
      era === 'modern' && error.code === CODE.resourceNotFound
        ? editMembers(text, 0, { code: String(CODE.invalidParams) })
        : text
    return { status: 200, body: `"error":${body}` }
  }

  /** What reads the same for every method. */
  #common(
    outcome: Denial | Failure,
    { status, requestId, stdio }: ReplyContext,
  ): Reply | undefined {
    switch (outcome.code) {
      case 'UNAUTHENTICATED':
      case 'INSUFFICIENT_SCOPE': {
        if (!status && !(stdio && outcome.code === 'UNAUTHENTICATED')) return undefined
        const http = outcome.code === 'UNAUTHENTICATED' ? 401 : 403
        const code = APPLICATION_CODES[outcome.code] as number
        const reply = this.error(http, code, textOf(outcome), this.#data(outcome))
        return { ...reply, challenge: outcome as Denial }
      }
      case 'NOT_FOUND':
        return this.error(200, CODE.invalidParams, textOf(outcome), this.#data(outcome))
      case 'INVALID':
        // A plugin speaks to the model; the kernel to the client, about the request itself.
        return (outcome as Denial).plugin === undefined
          ? this.error(200, CODE.invalidParams, textOf(outcome), this.#data(outcome))
          : undefined
      case 'PLUGIN_FAILED':
      case 'INTERNAL': {
        const { message, hint } = outcome
        const text = `Internal error: ${message} (request ${requestId}). ${hint}`
        return this.error(200, CODE.internal, text, { ...this.#data(outcome), requestId })
      }
      default:
        return undefined
    }
  }

  #data(outcome: Denial | Failure): object {
    const { code, message, hint, retryAfterMs } = outcome
    const { rule, plugin, scopes, hook } = outcome as Partial<Denial & Failure>
    return {
      code,
      message,
      hint,
      retryAfterMs,
      scopes,
      ...(this.#settings.showPlugin ? { plugin, hook, rule } : {}),
    }
  }
}

/** What happened, then what to do. */
function textOf({ message, hint }: Denial | Failure): string {
  return hint === '' ? message : `${message}. ${hint}`
}
