import {
  type Credentials,
  type Denial,
  deny,
  type RefusedQuery,
  type Secrets,
} from 'mcp-patchbay/sdk'
import type { FixedAuth } from './settings.ts'
import type { Source, SourceStatus } from './source.ts'
import { basic } from './token-request.ts'

/** What the transport writes itself: under such a name nothing would be sent. */
const TRANSPORT =
  /^(?:accept|connection|content-.*|host|last-event-id|mcp-.*|te|trailer|transfer-encoding|upgrade)$/i

/** The same headers with every request: prepared once, the same object for as long as the gateway runs. */
export class FixedCredentials implements Source {
  readonly #upstream: string
  readonly #mode: FixedAuth['mode']
  readonly #setting: string
  readonly #credentials: Credentials
  #refused: number | undefined

  /** @throws Error for a header that belongs to the transport */
  constructor(upstream: string, auth: FixedAuth, secrets: Secrets) {
    if (auth.mode === 'header' && TRANSPORT.test(auth.name)) {
      throw new Error(
        `upstreams.${upstream}.auth.name is ${auth.name}, a header that the gateway writes itself: name another`,
      )
    }
    this.#upstream = upstream
    this.#mode = auth.mode
    const [name, value, setting] = sentBy(auth)
    this.#setting = setting
    this.#credentials = { headers: { [name]: value } }
    // Of a password the log knows only how it stands in the config.
    if (auth.mode === 'basic') secrets.add(value.slice('Basic '.length))
  }

  credentials(): Credentials {
    return this.#credentials
  }

  refused({ httpStatus }: RefusedQuery): Denial {
    this.#refused = httpStatus
    const setting = `upstreams.${this.#upstream}.auth.${this.#setting}`
    if (httpStatus === 403) {
      return deny(
        'FORBIDDEN',
        `${this.#upstream} forbids this to whoever \`${setting}\` stands for`,
        {
          hint: 'Ask the operator of this gateway what that account may do.',
        },
      )
    }
    return deny('UNAVAILABLE', `${this.#upstream} does not take what stands in \`${setting}\``, {
      hint: 'The operator of this gateway has to correct it there.',
    })
  }

  ready(): void {
    this.#refused = undefined
  }

  status(): SourceStatus {
    return this.#refused === undefined
      ? { mode: this.#mode, state: 'set' }
      : {
          mode: this.#mode,
          state: 'refused',
          reason: `the upstream answered HTTP ${this.#refused}: see \`${this.#setting}\``,
        }
  }
}

/** Name and value of the header, and the setting to look at when it is refused. */
function sentBy(auth: FixedAuth): readonly [name: string, value: string, setting: string] {
  switch (auth.mode) {
    case 'bearer':
      return ['authorization', `Bearer ${auth.token}`, 'token']
    case 'api_key':
      return ['x-api-key', auth.key, 'key']
    case 'header':
      return [auth.name.toLowerCase(), auth.value, 'value']
    case 'basic':
      return ['authorization', basic(auth.username, auth.password), 'password']
  }
}
