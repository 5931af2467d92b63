import { isKind, type UpstreamStatus } from '../../sdk/index.ts'
import type { Round } from '../kernel/round.ts'
import {
  type ParamHeader,
  paramHeaders,
  strayParamHeaders,
  writeParamHeaders,
} from '../wire/param-headers.ts'
import type { CallLimits, FlatHeaders } from './call-host.ts'
import { ANYTHING, declaredOnce, declaredShared, NOTHING, sessionKey } from './declared.ts'
import { CarriedHeaders, isCarried } from './sent-headers.ts'
import type { UpstreamConfig } from './settings.ts'

/** What the config says about the calls to one upstream. */
export class CallTerms {
  readonly #config: UpstreamConfig
  readonly #limits: ReadonlyMap<string, CallLimits>
  /** What the operator wrote is not the client's to replace. */
  readonly #forwarded: readonly string[]

  readonly #status: () => UpstreamStatus

  /** @param status what is known of its server */
  constructor(config: UpstreamConfig, status: () => UpstreamStatus) {
    this.#config = config
    this.#status = status
    const { timeout, totalTimeout, timeouts, forwardHeaders, headers } = config
    this.#limits = new Map(
      Object.entries(timeouts).map(([tool, limits]) => [
        tool,
        { timeout, ...(totalTimeout === undefined ? {} : { totalTimeout }), ...limits },
      ]),
    )
    this.#forwarded = forwardHeaders.filter((name) => !named(headers, name) && isCarried(name))
  }

  /** How long the call may take. */
  limits({ target }: Round): CallLimits {
    return this.#limits.get(target?.name ?? '') ?? this.#config
  }

  /** Whether the call may be sent again when nobody knows what became of it. */
  repeatable({ entry }: Round): boolean {
    // Who gets, reads or completes changes nothing.
    if (!isKind(entry, 'tool')) return true
    if (!this.#config.trustAnnotations) return false
    const { annotations } = entry.definition
    return annotations?.readOnlyHint === true || annotations?.idempotentHint === true
  }

  /**
   * The headers of the request: what is forwarded of the client's, the trace over it, and over both the credentials and
   * what the operator wrote.
   */
  headers(
    round: Round,
    credentials: FlatHeaders,
    traced: FlatHeaders,
  ): FlatHeaders | CarriedHeaders {
    if (this.#forwarded.length === 0 && traced === undefined) return credentials
    const flat: string[] = []
    for (const name of this.#forwarded) {
      const value = round.exchange.headers[name]
      // A trace state belongs to the parent it came with.
      const stale = name === 'tracestate' && traced?.traceparent !== undefined
      if (typeof value !== 'string' || stale || traced?.[name] !== undefined) continue
      if (!named(credentials, name)) flat.push(name, value)
    }
    for (const name in traced) {
      if (!named(this.#config.headers, name) && !named(credentials, name)) {
        flat.push(name, traced[name] as string)
      }
    }
    return flat.length === 0 ? credentials : new CarriedHeaders(credentials, flat)
  }

  /**
   * Headers that mirror arguments, over modern HTTP: written anew for what the upstream's own schema
   * annotates, and passed on where no schema here knows them.
   */
  mirrored(
    { args, caller, entry, exchange, parent }: Round,
    own: readonly ParamHeader[],
  ): string[] {
    const flat = own.length === 0 ? [] : writeParamHeaders(own, args)
    // An inner call has the headers of the call around it, which mirror that one's arguments.
    if (caller.client.era !== 'modern' || parent !== undefined) return flat
    const shown = paramHeaders(entry.definition.inputSchema).list
    return [...flat, ...strayParamHeaders(exchange.headers, [...own, ...shown])]
  }

  /**
   * What the session of the call may ask, as JSON. Over Streamable HTTP a session costs nothing, so clients of
   * equal abilities have one of their own; a process or a stream that all share may ask nobody.
   */
  capabilities({ caller }: Pick<Round, 'caller'>): string {
    const { era, transport = this.#config.url === undefined ? 'stdio' : 'http' } = this.#status()
    // In 2026-07-28 each request says so itself.
    if (era === 'modern') return NOTHING
    if (this.#config.session === 'per-client') return declaredOnce(caller.client)
    return transport === 'http' ? declaredShared(caller.client) : NOTHING
  }

  /**
   * What the session that is listed may ask, as JSON. Some servers show tools that ask only to those who can be
   * asked; where every client has a session of its own, nobody calls in this one.
   */
  get listCapabilities(): string {
    return this.#config.session === 'shared' ? NOTHING : ANYTHING
  }

  /** Whose link tells of resources: what is shared needs no session that may ask. */
  watchKey(watcher: Pick<Round, 'audience' | 'caller'>): string {
    return this.#config.session === 'shared' ? watcher.audience : this.key(watcher)
  }

  /** What the session of that link may ask, as JSON. */
  watchCapabilities(watcher: Pick<Round, 'caller'>): string {
    return this.#config.session === 'shared' ? NOTHING : this.capabilities(watcher)
  }

  /**
   * Whose link the call takes: its credential identity's, its client's own where the config says so, and
   * in any case one that may ask what the client can be asked.
   */
  key(round: Pick<Round, 'audience' | 'caller'>): string {
    const { audience, caller } = round
    const capabilities = this.capabilities(round)
    if (this.#config.session === 'shared') {
      if (capabilities === NOTHING) return audience
      // What nearly every call needs is made once for its client.
      return audience === '' ? sessionKey(caller.client) : JSON.stringify([audience, capabilities])
    }
    const { principal, client } = caller
    return JSON.stringify([
      audience,
      principal.issuer,
      principal.subject,
      client.name,
      client.version,
      capabilities,
    ])
  }
}

/** Whether there is a header of that name. @param name in lower case; theirs may be written otherwise */
function named(headers: FlatHeaders, name: string): boolean {
  for (const one in headers) {
    if (one.length === name.length && one.toLowerCase() === name) return true
  }
  return false
}
