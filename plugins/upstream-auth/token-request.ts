import type { Http, HttpAnswer } from 'mcp-patchbay/sdk'
import { AuthFailure } from './auth-failure.ts'

/** What a token is asked for with (RFC 6749, 4.4.2; RFC 8707). */
export interface TokenRequest {
  readonly endpoint: string
  readonly clientId: string
  readonly clientSecret: string
  readonly clientAuth: 'basic' | 'post'
  readonly scopes: readonly string[]
  /** Whom it is for; nothing is said when left out. */
  readonly resource: string | undefined
}

/** An access token, as it came. */
export interface Token {
  readonly value: string
  /** Milliseconds; `undefined` when the server does not say. */
  readonly lifetime: number | undefined
}

const MAX_BYTES = 64 * 1024
const LONGEST_TOKEN = 16_384
/** Too much or too early: the same request may do later. */
const LATER: ReadonlySet<number> = new Set([408, 425, 429])
const LONGEST_WAIT = 10 * 60_000

const HINTS: Readonly<Record<string, string>> = {
  invalid_client: 'Correct `clientId` and `clientSecret`.',
  unauthorized_client: 'Have the grant client_credentials allowed for this client.',
  unsupported_grant_type: 'This server gives no tokens to clients: use a mode of another kind.',
  invalid_scope: 'Correct `scopes`.',
  invalid_target: 'Correct `resource`.',
}

/** Asks once for a token. Redirects are not followed: the client's secret is not theirs. @throws AuthFailure */
export async function requestToken(
  http: Http,
  request: TokenRequest,
  timeoutMs: number,
): Promise<Token> {
  const { endpoint, clientId, clientSecret, clientAuth, scopes, resource } = request
  const body = new URLSearchParams({ grant_type: 'client_credentials' })
  if (scopes.length > 0) body.set('scope', scopes.join(' '))
  if (resource !== undefined) body.set('resource', resource)
  const headers: Record<string, string> = {
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
  }
  if (clientAuth === 'basic') headers.authorization = basic(form(clientId), form(clientSecret))
  else {
    body.set('client_id', clientId)
    body.set('client_secret', clientSecret)
  }
  const options = { method: 'POST', headers, body: body.toString(), redirects: 0 } as const
  let answer: HttpAnswer
  try {
    answer = await http.request(endpoint, { ...options, timeoutMs, maxBytes: MAX_BYTES })
  } catch (error) {
    throw AuthFailure.of(error)
  }
  const { origin } = new URL(endpoint)
  if (answer.status !== 200) throw refusal(origin, answer)
  return tokenOf(origin, jsonOf(answer))
}

/** `Authorization` for a name and a password (RFC 7617). */
export function basic(name: string, password: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
}

/** As in a form: so ids and secrets go into the header (RFC 6749, 2.3.1). */
export function form(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

function tokenOf(origin: string, answer: Readonly<Record<string, unknown>> | undefined): Token {
  const { access_token: value, token_type: type, expires_in: expires } = answer ?? {}
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value) || value.length > LONGEST_TOKEN) {
    throw AuthFailure.passing(`${origin} answered without a token that can be sent`)
  }
  if (typeof type === 'string' && type.toLowerCase() !== 'bearer') {
    const hint = 'Have it give Bearer tokens to this client.'
    throw new AuthFailure(`${origin} gives tokens of another type than Bearer`, hint)
  }
  const seconds = Number(expires)
  return { value, lifetime: seconds > 0 && seconds < 1e9 ? seconds * 1_000 : undefined }
}

/** What a status says. Nothing in an answer is taken at more than its word. */
function refusal(origin: string, answer: HttpAnswer): AuthFailure {
  const { status, headers } = answer
  const { error, error_description: more } = jsonOf(answer) ?? {}
  const code = typeof error === 'string' && /^[\x20-\x7e]{1,60}$/.test(error) ? error : ''
  const words =
    typeof more === 'string' ? ` (${more.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 200)})` : ''
  const reason = `${origin} answered HTTP ${status}${code && ` ${code}`}${words}`
  if (status >= 500 || LATER.has(status)) {
    return AuthFailure.passing(reason, secondsOf(headers['retry-after']))
  }
  if (status < 400) {
    return new AuthFailure(
      `${origin} answered HTTP ${status} in place of a token`,
      'Correct `tokenUrl`.',
    )
  }
  const usual = status === 401 ? HINTS.invalid_client : 'See how it knows this client.'
  return new AuthFailure(reason, HINTS[code] ?? (usual as string))
}

function secondsOf(text: string | undefined): number | undefined {
  const seconds = Number(text)
  return seconds > 0 ? Math.min(seconds * 1_000, LONGEST_WAIT) : undefined
}

function jsonOf(answer: HttpAnswer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = answer.json()
    return typeof value === 'object' && value !== null
      ? (value as Readonly<Record<string, unknown>>)
      : undefined
  } catch {
    return undefined
  }
}
