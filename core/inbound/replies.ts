import type { Denial, DenialCode, Failure, Outcome } from '../../sdk/index.ts'
import { editMembers } from '../kernel/json.ts'
import { RelayedError, RelayedResult } from '../kernel/outcome.ts'
import { CODE, type Implementation, LEGACY, META, MODERN } from '../kernel/protocol.ts'

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
}

/** What callers may know. */
export interface ReplySettings {
  readonly us: Implementation
  /** Whether callers learn which plugin and rule refused or failed. */
  readonly showPlugin: boolean
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
      const text = outcome instanceof RelayedResult ? outcome.text : JSON.stringify(outcome.result)
      return { status: 200, body: `"result":${this.#shape(outcome.result, text, context.era)}` }
    }
    if (outcome instanceof RelayedError) return { status: 200, body: `"error":${outcome.text}` }
    const common = this.#common(outcome, context)
    if (common !== undefined) return common
    const error = this.#data(outcome)
    // Not an HTTP status and not a JSON-RPC error: clients fail on those instead of telling the model.
    const result = {
      content: [{ type: 'text', text: `${outcome.message}. ${outcome.hint}`.trim() }],
      isError: true,
      _meta: {
        'patchbay/error': error,
        ...(context.era === 'modern' ? { [META.serverInfo]: this.#settings.us } : {}),
      },
    }
    const shaped = context.era === 'modern' ? { resultType: 'complete', ...result } : result
    return { status: 200, body: `"result":${JSON.stringify(shaped)}` }
  }

  /** How any other method was refused or failed. */
  refusal(outcome: Denial | Failure, context: ReplyContext): Reply {
    const common = this.#common(outcome, context)
    if (common !== undefined) return common
    const code = APPLICATION_CODES[outcome.code] ?? CODE.internal
    return this.error(200, code, `${outcome.message}. ${outcome.hint}`.trim(), this.#data(outcome))
  }

  /** A revision that is not spoken here. */
  version(requested: unknown): Reply {
    return this.error(400, CODE.version, `Unsupported protocol version: ${String(requested)}`, {
      supported: [MODERN, ...LEGACY],
      requested,
    })
  }

  /** A method that is not served. */
  unknownMethod(method: string, era: ReplyContext['era']): Reply {
    return this.error(
      era === 'modern' ? 404 : 200,
      CODE.unknownMethod,
      `Method not found: ${method}`,
    )
  }

  /** What reads the same for every method. */
  #common(outcome: Denial | Failure, { status, requestId }: ReplyContext): Reply | undefined {
    switch (outcome.code) {
      case 'UNAUTHENTICATED':
      case 'INSUFFICIENT_SCOPE': {
        if (!status) return undefined
        const http = outcome.code === 'UNAUTHENTICATED' ? 401 : 403
        const code = APPLICATION_CODES[outcome.code] as number
        const text = `${outcome.message}. ${outcome.hint}`
        return {
          ...this.error(http, code, text, this.#data(outcome)),
          challenge: outcome as Denial,
        }
      }
      case 'NOT_FOUND':
        return this.error(200, CODE.invalidParams, outcome.message)
      case 'PLUGIN_FAILED':
      case 'INTERNAL': {
        const { plugin, hook } = outcome as Failure
        const who = this.#settings.showPlugin && plugin !== undefined ? { plugin, hook } : {}
        const text = `Internal error: ${outcome.message} (request ${requestId})`
        return this.error(200, CODE.internal, text, { requestId, ...who })
      }
      default:
        return undefined
    }
  }

  #data(outcome: Denial | Failure): object {
    const { code, message, hint, retryAfterMs } = outcome
    const { rule, plugin, scopes } = outcome as Partial<Denial>
    return {
      code,
      message,
      hint,
      retryAfterMs,
      scopes,
      ...(this.#settings.showPlugin ? { plugin, rule } : {}),
    }
  }

  /** A relayed result as the client's era wants it: `resultType` is required in one and unknown in the other. */
  #shape(
    result: Readonly<Record<string, unknown>>,
    text: string,
    era: ReplyContext['era'],
  ): string {
    if (era === 'modern') {
      if (result.resultType !== undefined) return text
      const rest = text.slice(text.indexOf('{') + 1)
      const stamp = result._meta === undefined ? this.#stamp : '"resultType":"complete"'
      return `{${stamp}${/^\s*\}$/.test(rest) ? '' : ','}${rest}`
    }
    if (result.resultType === undefined && result.ttlMs === undefined) return text
    return editMembers(text, 0, { resultType: undefined, ttlMs: undefined, cacheScope: undefined })
  }
}
