import type { Denial, Maybe, Outcome, UpstreamStatus } from '../../sdk/index.ts'
import type { ListedTool } from '../kernel/catalog.ts'
import { messageOf } from '../kernel/errors.ts'
import type { Vault } from '../kernel/ports.ts'
import type { Implementation } from '../kernel/protocol.ts'
import type { Round } from '../kernel/round.ts'
import type { Alarm, Wheel } from '../kernel/wheel.ts'
import { Backoff } from './backoff.ts'
import { ConnectError, type Link, type Lost } from './link.ts'
import { Opener } from './opener.ts'
import { type CallHost, type CallLimits, type FlatHeaders, PendingCall } from './pending-call.ts'
import { LinkPool } from './pool.ts'
import type { UpstreamConfig } from './settings.ts'
import { listTools } from './tool-list.ts'
import { unavailable } from './unavailable.ts'

const SWEEP = 60_000
const SHARED = ''

/** What an upstream needs of the gateway. */
export interface UpstreamHost {
  readonly wheel: Wheel
  readonly us: Implementation
  readonly vault: Vault
  readonly log: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
  }
  /** 0 ≤ n < 1. */
  random(): number
  /** Milliseconds since the epoch. */
  now(): number
  /** Its whole list, after every reading; `[]` hides it. */
  listed(id: string, tools: readonly ListedTool[]): void
  /** It will not list anything soon. */
  silent(id: string): void
  changed(id: string, status: UpstreamStatus): void
}

/** One configured server, kept connected. */
export class Upstream implements CallHost {
  readonly id: string
  readonly #config: UpstreamConfig
  readonly #host: UpstreamHost
  readonly #pool: LinkPool
  readonly #opener: Opener
  readonly #backoff: Backoff
  #status: UpstreamStatus
  readonly #limits: ReadonlyMap<string, CallLimits>
  #tools: readonly ListedTool[] = []
  #connecting: Promise<void> | undefined
  #listing: Promise<void> | undefined
  #listAgain = false
  #retry: Alarm | undefined
  #hide: Alarm | undefined
  #poll: Alarm | undefined
  #stopped = false

  constructor(config: UpstreamConfig, host: UpstreamHost) {
    this.id = config.id
    this.#config = config
    this.#host = host
    this.#status = { state: config.enabled ? 'connecting' : 'disabled', era: undefined, tools: 0 }
    const { timeout, totalTimeout } = config
    this.#limits = new Map(
      Object.entries(config.timeouts).map(([tool, limits]) => [
        tool,
        { timeout, totalTimeout, ...limits },
      ]),
    )
    this.#opener = new Opener(config, host)
    this.#backoff = new Backoff(host)
    this.#pool = new LinkPool(
      (key) => this.#open(key),
      () => host.wheel.now(),
    )
  }

  get status(): UpstreamStatus {
    return this.#status
  }

  /** Begins to connect; returns at once. */
  start(): void {
    if (this.#config.enabled) void this.connect()
    else this.#host.silent(this.id)
    this.#sweepLater()
  }

  /** Connects and lists now, whatever the backoff says. Never rejects: `status` tells. */
  connect(): Promise<void> {
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined
    })
    return this.#connecting
  }

  /** Sends a round. Never rejects. */
  call(round: Round, headers: Readonly<Record<string, string>> | undefined): Maybe<Outcome> {
    const { state } = this.#status
    if (state !== 'ready' && this.#connecting === undefined)
      return unavailable(this.id, this.#status, this.#host.now())
    return new Promise((resolve) => new PendingCall(this, round, resolve).send(headers))
  }

  /** Ends every connection and process. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const alarm of [this.#retry, this.#hide, this.#poll])
      if (alarm) this.#host.wheel.remove(alarm)
    await this.#pool.close()
    // What the links still had to say (a session's DELETE) is sent by now.
    await this.#opener.close()
  }

  get wheel(): Wheel {
    return this.#host.wheel
  }

  limits({ target }: Round): CallLimits {
    return this.#limits.get(target?.name ?? '') ?? this.#config
  }

  repeatable({ entry: { definition } }: Round): boolean {
    const { annotations } = definition
    return (
      this.#config.trustAnnotations &&
      (annotations?.readOnlyHint === true || annotations?.idempotentHint === true)
    )
  }

  /** Waits for a connection attempt under way before asking the pool: a call never opens a second one. */
  link(round: Round): Maybe<Link> {
    const key = this.#key(round)
    if (this.#connecting === undefined || this.#pool.peek(key) !== undefined)
      return this.#pool.get(key)
    return this.#connecting.then(() => {
      if (this.#status.state === 'ready') return this.#pool.get(key)
      throw new ConnectError(this.#status.error ?? 'is not connected')
    })
  }

  headers(round: Round, credentials: FlatHeaders): FlatHeaders {
    const { forwardHeaders } = this.#config
    if (forwardHeaders.length === 0) return credentials
    const sent = forwardHeaders.flatMap((name) => {
      const value = round.exchange.headers[name]
      return typeof value === 'string' ? [[name, value]] : []
    })
    return { ...Object.fromEntries(sent), ...credentials }
  }

  credentials(round: Round): Maybe<FlatHeaders> {
    return this.#host.vault.credentials({
      upstream: this.id,
      purpose: 'call',
      caller: round.caller,
      call: round,
    })
  }

  refused(round: Round, why: Lost): Maybe<'retry' | Denial | undefined> {
    const query = { upstream: this.id, purpose: 'call', caller: round.caller, call: round } as const
    return this.#host.vault.refused(query, why.httpStatus ?? 401, why.challenge)
  }

  /** Whose link a call takes: its credential identity's, and its client's own where the config says so. */
  #key(round: Round): string {
    const { audience, caller } = round
    if (this.#config.session === 'shared') return audience
    const { principal, client } = caller
    return JSON.stringify([
      audience,
      principal.issuer,
      principal.subject,
      client.name,
      client.version,
    ])
  }

  async #connect(): Promise<void> {
    if (this.#retry !== undefined) this.#host.wheel.remove(this.#retry)
    this.#retry = undefined
    try {
      const link = await this.#pool.get(SHARED)
      if (this.#stopped) return
      await this.#list(link)
      if (this.#hide !== undefined) this.#host.wheel.remove(this.#hide)
      this.#hide = undefined
      this.#backoff.ready()
      this.#setStatus({ state: 'ready', era: link.facts.era, tools: this.#tools.length })
      this.#pollLater()
    } catch (error) {
      if (!this.#stopped)
        this.#down(messageOf(error), error instanceof ConnectError ? error.httpStatus : undefined)
    }
  }

  async #open(key: string): Promise<Link> {
    const link = await this.#opener.open()
    link.onEnd = (why) => this.linkFailed(link, why)
    if (key === SHARED) await this.#listen(link)
    return link
  }

  async #listen(link: Link): Promise<void> {
    const headers = await this.#host.vault.credentials({ upstream: this.id, purpose: 'listen' })
    link.listen(() => this.refresh(), headers)
  }

  /** Reads the list again, soon; once more if asked meanwhile. */
  refresh(): void {
    const link = this.#pool.peek(SHARED)
    if (this.#stopped || link === undefined || this.#connecting !== undefined) return
    if (this.#listing !== undefined) {
      this.#listAgain = true
      return
    }
    this.#listing = this.#list(link)
      .then(
        () => this.#setStatus({ ...this.#status, tools: this.#tools.length }),
        (error: unknown) =>
          this.linkFailed(link, { message: messageOf(error), executed: false, unreachable: true }),
      )
      .finally(() => {
        this.#listing = undefined
        if (!this.#listAgain) return
        this.#listAgain = false
        this.refresh()
      })
  }

  async #list(link: Link): Promise<void> {
    const { wheel, vault, log } = this.#host
    const headers = await vault.credentials({ upstream: this.id, purpose: 'discover' })
    const warn = (message: string) => log.warn({ upstream: this.id }, `${this.id} ${message}`)
    const { timeout } = this.#config
    this.#tools = await wheel.limit(
      listTools(link, headers, warn),
      timeout,
      () => new ConnectError(`did not list its tools within ${timeout} ms`),
    )
    this.#host.listed(this.id, this.#tools)
  }

  /** A link failed: it is replaced, and if that says the server is gone, so is its state. */
  linkFailed(link: Link, why: Lost): void {
    if (why.sessionLost !== true && why.unreachable !== true) return
    const shared = this.#pool.peek(SHARED) === link
    this.#pool.drop(link)
    link.retire()
    if (this.#stopped || !shared) return
    if (why.sessionLost === true) void this.connect()
    else if (this.#connecting === undefined) this.#down(why.message, why.httpStatus)
  }

  #down(error: string, httpStatus: number | undefined): void {
    const { wheel, now } = this.#host
    this.#host.silent(this.id)
    const delay = this.#backoff.next()
    this.#retry = wheel.after(delay, () => void this.connect())
    if (this.#config.whenDown === 'hide' && this.#hide === undefined) {
      this.#hide = wheel.after(this.#config.grace, () => this.#host.listed(this.id, []))
    }
    const { stderr } = this.#opener
    this.#setStatus({
      state: httpStatus === 401 || httpStatus === 403 ? 'auth-required' : 'down',
      era: this.#status.era,
      tools: this.#tools.length,
      error,
      ...(httpStatus === undefined ? {} : { httpStatus }),
      nextAttempt: now() + delay,
      ...(stderr === undefined ? {} : { stderr }),
    })
  }

  #setStatus(status: UpstreamStatus): void {
    if (JSON.stringify(status) === JSON.stringify(this.#status)) return
    this.#status = status
    this.#host.changed(this.id, status)
  }

  #pollLater(): void {
    const { refresh } = this.#config
    if (this.#poll !== undefined) this.#host.wheel.remove(this.#poll)
    if (refresh === 0) return
    this.#poll = this.#host.wheel.after(refresh, () => {
      const link = this.#pool.peek(SHARED)
      if (link?.facts.era === 'legacy' && this.#opener.verdictExpired) {
        this.#pool.drop(link)
        link.retire()
        void this.connect()
      } else this.refresh()
      this.#pollLater()
    })
  }

  #sweepLater(): void {
    this.#host.wheel.after(SWEEP, () => {
      void this.#pool.sweep(SHARED)
      if (!this.#stopped) this.#sweepLater()
    })
  }
}
