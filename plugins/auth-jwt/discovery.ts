import { type HttpAnswer, ServiceError } from 'mcp-patchbay/sdk'

/** Gets a document. Rejects with ServiceError. */
export type Get = (url: string) => Promise<HttpAnswer>

/** Where an issuer's metadata may be, in the order of the MCP specification (RFC 8414, OpenID Connect Discovery). */
export function metadataUrls(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/+$/, '')
  const [oauth, openid] = [
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration',
  ]
  const inserted = [`${origin}${oauth}${path}`, `${origin}${openid}${path}`]
  return path === '' ? inserted : [...inserted, `${origin}${path}${openid}`]
}

/**
 * Where an issuer's keys are, by its own metadata.
 * @throws Error, as a rejection, saying what was found in place of it; ServiceError when it cannot be reached
 */
export async function findJwksUri(issuer: string, get: Get): Promise<string> {
  const reasons: string[] = []
  for (const url of metadataUrls(issuer)) {
    const found = judge(issuer, url, await get(url))
    if (found.uri !== undefined) return found.uri
    reasons.push(found.reason)
  }
  throw new Error(`no metadata of this issuer: ${reasons.join('; ')}`)
}

type Found = { readonly uri: string } | { readonly uri?: undefined; readonly reason: string }

function judge(issuer: string, url: string, answer: HttpAnswer): Found {
  if (answer.status !== 200) return { reason: `${url} answered ${answer.status}` }
  const document = jsonOf(answer)
  // Whoever answers for another issuer must not name the keys of this one (RFC 8414, 3.3).
  if (document?.issuer !== issuer) return { reason: `${url} is not of this issuer` }
  const { jwks_uri: uri } = document
  return typeof uri === 'string' ? { uri } : { reason: `${url} names no jwks_uri` }
}

/** The object that a document is; `undefined` when it is none. */
export function jsonOf(answer: HttpAnswer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = answer.json()
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined
  } catch (cause) {
    if (cause instanceof ServiceError) return undefined
    throw cause
  }
}
