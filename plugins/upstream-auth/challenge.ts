/** What an upstream says it wants (RFC 9110, 11.6.1). Untrusted text. */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string
  /** Names in lower case. */
  readonly params: ReadonlyMap<string, string>
}

const LONGEST = 8_192
const TOKEN = "[A-Za-z0-9!#$%&'*+.^_`|~-]+"
/** A parameter, a scheme, or what is neither; commas and spaces between them are passed over. */
const PART = new RegExp(
  `(${TOKEN})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}))|(${TOKEN})(?![ \\t]*=)|[^,\\s]`,
  'gy',
)

/** The challenges of a `WWW-Authenticate` header, in its order; what cannot be read is passed over. */
export function challengesOf(header = ''): Challenge[] {
  const found: { scheme: string; params: Map<string, string> }[] = []
  const text = header.slice(0, LONGEST)
  let at = 0
  while (at < text.length) {
    PART.lastIndex = at
    const part = PART.exec(text)
    at = part === null ? at + 1 : PART.lastIndex
    const [, name, quoted, plain, scheme] = part ?? []
    if (scheme !== undefined) found.push({ scheme: scheme.toLowerCase(), params: new Map() })
    const value = quoted?.replace(/\\(.)/gs, '$1') ?? plain
    if (name === undefined || value === undefined) continue
    const { params } = found.at(-1) ?? {}
    // The first one counts: a second is somebody else's.
    if (params?.has(name.toLowerCase()) === false) params.set(name.toLowerCase(), value)
  }
  return found
}

/** The challenge that names protected resource metadata (RFC 9728, 5.1), else the first for a Bearer token. */
export function bearerOf(challenges: readonly Challenge[]): Challenge | undefined {
  const bearers = challenges.filter(({ scheme }) => scheme === 'bearer' || scheme === 'dpop')
  return bearers.find(({ params }) => params.has('resource_metadata')) ?? bearers[0]
}

/** Scopes as a challenge or metadata lists them: only what can be one, each once, and not without end. */
export function scopesOf(listed: unknown): string[] {
  const all = typeof listed === 'string' ? listed.split(' ') : Array.isArray(listed) ? listed : []
  const fit = all.filter(
    (one) => typeof one === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/.test(one),
  )
  return [...new Set<string>(fit)].slice(0, 50)
}
