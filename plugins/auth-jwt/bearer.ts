import { decodeProtectedHeader, type ProtectedHeaderParameters } from 'jose'

const BEARER = /^bearer +/i
/** `{` in base64url begins with this letter: nothing else is a JWT's header. */
const BRACE = 'e'

/** The bearer token of a request that has the looks of a signed JWT; `undefined` where it is no such thing. */
export function jwtOf(authorization: string | undefined): string | undefined {
  const scheme = authorization === undefined ? null : BEARER.exec(authorization)
  if (scheme === null || authorization === undefined) return undefined
  const from = scheme[0].length
  if (authorization[from] !== BRACE) return undefined
  const first = authorization.indexOf('.', from)
  const second = first < 0 ? -1 : authorization.indexOf('.', first + 1)
  if (second < 0 || authorization.indexOf('.', second + 1) >= 0) return undefined
  return authorization.slice(from)
}

/** The header of a signed JWT; `undefined` where it has none, and so is an opaque token with two dots. */
export function headerOf(token: string): ProtectedHeaderParameters | undefined {
  try {
    return decodeProtectedHeader(token)
  } catch {
    return undefined
  }
}

/** Whether a token is of a type that is accepted (RFC 9068, 4); one without a type is a `JWT`. */
export function isOfType(
  { typ }: ProtectedHeaderParameters,
  accepted: ReadonlySet<string>,
): boolean {
  if (typ === undefined) return accepted.has('jwt')
  if (typeof typ !== 'string') return false
  return accepted.has(typ.toLowerCase().replace(/^application\//, ''))
}
