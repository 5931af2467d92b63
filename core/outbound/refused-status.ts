import { ConnectError, type Lost, type Message } from './link.ts'
import { errorOf } from './message.ts'

/** Headers of an answer. */
export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>

const LONGEST_LOCATION = 300

/** What the plugin that claims `auth` wants to read, by scheme in lower case. */
const AUTH: Readonly<Record<string, string>> = {
  bearer: `{ mode: bearer, token: "\${TOKEN}" }`,
  basic: `{ mode: basic, username: "\${USERNAME}", password: "\${PASSWORD}" }`,
}

/**
 * What becomes of a request that HTTP itself refused. Redirects are not followed: what is sent there may hold
 * credentials, so where it goes is the operator's decision.
 * @param url what was asked
 */
export function refusedBy(status: number, headers: AnswerHeaders, url: URL): Lost {
  const challenge = headers['www-authenticate']
  return {
    message: `the upstream answered HTTP ${status}${moved(status, headers, url)}`,
    // A 3xx or 4xx refused the request; a 5xx may have come from anywhere behind it.
    executed: status < 500 ? false : 'unknown',
    httpStatus: status,
    challenge: Array.isArray(challenge) ? challenge.join(', ') : challenge,
  }
}

/** The same for a request that finds out what a server is: 3xx, 401, 403 and 5xx say nothing about that. */
export function refusedOpening(
  status: number,
  headers: AnswerHeaders,
  url: URL,
): ConnectError | undefined {
  const auth = status === 401 || status === 403
  if (!auth && status < 500 && (status < 300 || status >= 400)) return undefined
  const why = refusedBy(status, headers, url)
  const hint = auth ? wanted(why.challenge) : moved(status, headers, url)
  return new ConnectError(`answered HTTP ${status}${hint}`, why)
}

/** What its operator can write, by the scheme of the challenge. */
function wanted(challenge = ''): string {
  const [scheme = ''] = /^[A-Za-z][\w-]{0,30}/.exec(challenge) ?? []
  const what = scheme === '' ? 'other credentials' : `other credentials (${scheme})`
  const auth = AUTH[scheme.toLowerCase()] ?? `{ mode: api_key, key: "\${KEY}" }`
  return `: it wants ${what}; write \`auth: ${auth}\` under it (\`patchbay check\` names the plugin that this takes), or set its \`headers\``
}

/** Whether a refusal says that the session is gone: by 404; some servers answer 400 and speak of it. */
export function isSessionLost(status: number, text: string | undefined): boolean {
  return status === 404 || (status === 400 && /session/i.test(text ?? ''))
}

function moved(status: number, { location }: AnswerHeaders, url: URL): string {
  if (status < 300 || status >= 400 || typeof location !== 'string') return ''
  if (!URL.canParse(location, url.href)) return ''
  const { href } = new URL(location, url)
  return `: it has moved to ${href.slice(0, LONGEST_LOCATION)}; set its \`url\` to that if you trust it`
}

/**
 * Whether a modern request was refused as servers of other revisions do it: without an answer, or with an error of
 * the range that 2026-07-28 gives no meaning. Nothing was done; it is found out anew what the server speaks.
 */
export function isForeign(status: number, message: Message | undefined): boolean {
  if (status !== 400 && status !== 404 && status !== 405) return false
  const code = message && errorOf(message)?.code
  return code === undefined || (code <= -32_000 && code >= -32_019)
}
