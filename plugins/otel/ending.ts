import type { Client, Outcome } from 'mcp-patchbay/sdk'

/** What the conventions say of how an operation ended. */
export interface Ending {
  /** `error.type`; `undefined` when it is no error. */
  readonly error: string | undefined
  /** `rpc.response.status_code`: the JSON-RPC code, where there is one. */
  readonly code: string | undefined
}

const FINE: Ending = { error: undefined, code: undefined }
const TOOL_ERROR: Ending = { error: 'tool_error', code: undefined }
const CANCELLED: Ending = { error: 'cancelled', code: undefined }

/** Codes that are the caller's fault, not the server's. */
const CALLERS = new Set([-32_700, -32_600, -32_601, -32_602, -32_002])
const INVALID_PARAMS: Ending = { error: undefined, code: '-32602' }
const NO_RESOURCE: Ending = { error: undefined, code: '-32002' }
/** The client cannot be asked what has to be asked. */
const CANNOT_ASK: Ending = { error: '-32021', code: '-32021' }

/** What others than tools are answered with; a tool's refusal is a result that says so. */
const CODES: Readonly<Record<string, string>> = {
  UNAUTHENTICATED: '40100',
  INSUFFICIENT_SCOPE: '40302',
  FORBIDDEN: '40301',
  LOGIN_REQUIRED: '40101',
  RATE_LIMITED: '42901',
  UNAVAILABLE: '50301',
  TIMEOUT: '50401',
}
const OURS: ReadonlySet<string> = new Set(['PLUGIN_FAILED', 'INTERNAL'])

/** How the gateway's own operation ended, seen by its client. */
export function serverEnding(outcome: Outcome, method: string, era: Client['era']): Ending {
  switch (outcome.kind) {
    case 'result':
      return outcome.result.isError === true ? TOOL_ERROR : FINE
    case 'question':
      return outcome.missing === undefined ? FINE : CANNOT_ASK
    case 'cancelled':
      return CANCELLED
    case 'failure':
      if (outcome.error !== undefined) return answered(outcome.error.code)
      break
    case 'denial':
      if (outcome.code === 'NOT_FOUND' && method === 'resources/read' && era === 'legacy') {
        return NO_RESOURCE
      }
      if (outcome.code === 'NOT_FOUND' || outcome.code === 'INVALID') return INVALID_PARAMS
  }
  const error = outcome.code
  if (OURS.has(error)) return { error, code: '-32603' }
  return { error, code: method === 'tools/call' ? undefined : CODES[error] }
}

/** A server's own error goes to the client as it came. */
function answered(code: number): Ending {
  return { error: CALLERS.has(code) ? undefined : String(code), code: String(code) }
}

/** How a sending to an upstream ended: there every JSON-RPC error is one. */
export function clientEnding(outcome: Outcome): Ending {
  switch (outcome.kind) {
    case 'result':
      return outcome.result.isError === true ? TOOL_ERROR : FINE
    case 'question':
      return FINE
    case 'cancelled':
      return CANCELLED
    case 'failure': {
      if (outcome.error === undefined) return { error: outcome.code, code: undefined }
      const code = String(outcome.error.code)
      return { error: code, code }
    }
    case 'denial':
      return { error: outcome.code, code: undefined }
  }
}
