import { PARAM_PREFIX } from '../wire/param-headers.ts'

type Headers = Readonly<Record<string, string>>

/** Headers of every POST (Streamable HTTP, "sending messages to the server"). */
export const POST_HEADERS: readonly string[] = [
  'content-type',
  'application/json',
  'accept',
  'application/json, text/event-stream',
]

/** Headers of a GET whose answer is a stream. */
export const GET_HEADERS: readonly string[] = ['accept', 'text/event-stream']

/** Headers that the transport writes itself, whatever a config or a plugin says. */
const OURS: ReadonlySet<string> = new Set([
  'content-type',
  'content-length',
  'accept',
  'last-event-id',
  'mcp-protocol-version',
  'mcp-session-id',
  'mcp-method',
  'mcp-name',
])

const NONE: Headers = {}

/** The config's headers and a request's own, which win; what the protocol itself sends is left to it. */
export function merged(config: Headers, own: Headers | undefined): string[] {
  const all = new Map<string, string>()
  for (const headers of [config, own ?? NONE]) {
    for (const [name, value] of Object.entries(headers)) all.set(name.toLowerCase(), value)
  }
  return [...all].filter(([name]) => isCarried(name)).flat()
}

/** What one request carries besides credentials: made for each call, and never prepared. */
export class CarriedHeaders {
  readonly credentials: Headers | undefined
  /** Names in lower case and values in turn. */
  readonly flat: readonly string[]

  /** @param flat of names that neither the config nor the credentials have; what the transport writes is left out */
  constructor(credentials: Headers | undefined, flat: readonly string[]) {
    this.credentials = credentials
    this.flat = flat
  }
}

/** Whether a header may be carried: what the protocol itself sends is left to it. @param name in lower case */
export function isCarried(name: string): boolean {
  return !OURS.has(name) && !name.startsWith(PARAM_PREFIX)
}

/** The headers of one link's requests as flat lists of names and values, prepared once per credentials. */
export class SentHeaders {
  readonly #config: Headers
  readonly #own: readonly string[]
  readonly #prepared = new WeakMap<object, string[]>()

  /** @param own what the link itself sends with everything */
  constructor(config: Headers, own: readonly string[]) {
    this.#config = config
    this.#own = own
  }

  /** Those of a POST. Never to be changed. */
  post(credentials: Headers | CarriedHeaders | undefined): string[] {
    if (credentials instanceof CarriedHeaders) {
      return [...this.post(credentials.credentials), ...credentials.flat]
    }
    const key = credentials ?? NONE
    let flat = this.#prepared.get(key)
    if (flat === undefined) {
      flat = [...POST_HEADERS, ...merged(this.#config, key), ...this.#own]
      this.#prepared.set(key, flat)
    }
    return flat
  }

  /** Those of a request without a body. */
  bare(credentials: Headers | CarriedHeaders | undefined): string[] {
    return this.post(credentials).slice(POST_HEADERS.length)
  }

  /** Those of a request for a stream. */
  get(credentials: Headers | CarriedHeaders | undefined): string[] {
    return [...this.bare(credentials), ...GET_HEADERS]
  }
}
