import type { Caller, Maybe, Outcome, UpstreamStatus } from '../../sdk/index.ts'
import type { ListedEntry } from '../catalog/ports.ts'
import { messageOf } from '../hooks/errors.ts'
import type { Alarm, Wheel } from '../hooks/wheel.ts'
import type { HeldCalls, Traces } from '../kernel/ports.ts'
import type { Round } from '../kernel/round.ts'
import { type Asker, askerOf } from './asker.ts'
import { Backoff } from './backoff.ts'
import type { CallHost } from './call-host.ts'
import { CallTerms } from './call-terms.ts'
import { CallVault } from './call-vault.ts'
import { downStatus, evidence } from './evidence.ts'
import { ConnectError, type Link, type Lost } from './link.ts'
import { Listing } from './listing.ts'
import { LinkLevels } from './log-level.ts'
import { Opener } from './opener.ts'
import { readAs } from './own-listing.ts'
import { PendingCall } from './pending-call.ts'
import { LinkPool, type Owner } from './pool.ts'
import { Renewals } from './renewals.ts'
import type { UpstreamConfig } from './settings.ts'
import { unavailable } from './unavailable.ts'
import type { UpstreamHost } from './upstream-host.ts'
import { Watches } from './watches.ts'

const SWEEP = 60_000
const SHARED = ''

/** One configured server, kept connected. */
export class Upstream implements CallHost {
  readonly id: string
  readonly traces: Traces | null
  readonly holds: HeldCalls
  readonly vault: CallVault
  readonly wheel: Wheel
  readonly #config: UpstreamConfig
  readonly #host: UpstreamHost
  readonly #pool: LinkPool
  readonly #opener: Opener
  readonly #backoff: Backoff
  #status: UpstreamStatus
  readonly terms: CallTerms
  readonly levels: LinkLevels
  /** What it is to tell of. */
  readonly watches: Watches
  readonly #listing: Listing
  readonly #renewals = new Renewals()
  #connecting: Promise<void> | undefined
  #retry: Alarm | undefined
  #hide: Alarm | undefined
  #poll: Alarm | undefined
  #sweep: Alarm | undefined
  #stopped = false

  constructor(config: UpstreamConfig, host: UpstreamHost) {
    this.id = config.id
    this.traces = host.traces
    this.holds = host.holds
    this.vault = new CallVault(config.id, host.vault)
    this.wheel = host.wheel
    this.levels = new LinkLevels(host.wheel)
    this.#config = config
    this.#host = host
    this.#status = { state: config.enabled ? 'connecting' : 'disabled', era: undefined, tools: 0 }
    this.terms = new CallTerms(config, () => this.#status)
    this.#opener = new Opener(config, host)
    this.#backoff = new Backoff(host)
    this.#pool = new LinkPool(
      (key, asker) => this.#open(key, asker),
      () => host.wheel.now(),
      SHARED,
      config,
    )
    this.#listing = new Listing(config, host, {
      link: () => this.#pool.peek(SHARED),
      connecting: () => this.#connecting !== undefined,
      read: () => this.#setStatus({ ...this.#status, tools: this.#listing.tools }),
      unread: (link, error) => this.#unread(link, error),
    })
    this.watches = new Watches(config, host, {
      pool: this.#pool,
      terms: this.terms,
      connecting: () => this.#connecting,
      serves: (watcher) => this.#serves(watcher),
      failed: (link, why) => this.linkFailed(link, why),
    })
  }

  get status(): UpstreamStatus {
    return this.#status
  }

  get facts(): Link['facts'] | undefined {
    return this.#pool.peek(SHARED)?.facts
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
      this.#listing.refreshIfAsked()
    })
    return this.#connecting
  }

  /** Connects on a new link, now; calls under way end on the old one. Never rejects: `status` tells. */
  async reconnect(): Promise<void> {
    await this.#connecting
    if (this.#stopped || !this.#config.enabled) return
    this.#discard(this.#pool.peek(SHARED))
    await this.connect()
  }

  /** What serves that principal alone ends with the calls under way. */
  forget(principal: Owner): void {
    this.#pool.forget(principal)
  }

  /** Reads the list again, soon. */
  refresh(): void {
    this.#listing.refresh()
  }

  /** Sends a round. Never rejects. */
  call(round: Round, headers: Readonly<Record<string, string>> | undefined): Maybe<Outcome> {
    if (this.#connecting === undefined && !this.#serves(round))
      return unavailable(this.id, this.#status, this.#host.now())
    return new Promise((resolve) => new PendingCall(this, round, resolve).send(headers))
  }

  /** Reads what it lists for one identity. Never rejects. */
  async discover(identity: string, caller: Caller): Promise<readonly ListedEntry[] | undefined> {
    if (this.#stopped || !this.#config.enabled) return undefined
    const asker = { caller, capabilities: this.terms.listCapabilities }
    const read = async () =>
      this.#listing.readOwn(await this.#pool.get(identity, asker), identity, caller)
    return readAs(caller, this.id, this.#host, read)
  }

  /** A server that wants credentials of the gateway itself still serves those who have their own. */
  #serves(round: Pick<Round, 'audience'>): boolean {
    const { state } = this.#status
    return state === 'ready' || (state === 'auth-required' && round.audience !== SHARED)
  }

  /** Ends every connection and process. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const alarm of [this.#retry, this.#hide, this.#poll, this.#sweep]) {
      if (alarm !== undefined) this.#host.wheel.remove(alarm)
    }
    this.#listing.close()
    this.watches.close()
    this.#opener.abort()
    await this.#pool.close()
    // What the links still had to say (a session's DELETE) is sent by now.
    await this.#opener.close()
  }

  /** Waits for a connection attempt under way before asking the pool: a call never opens a second one. */
  link(round: Round): Maybe<Link> {
    const open = this.#pool.use(this.terms.key(round))
    if (open !== undefined) return open
    if (this.#connecting === undefined) return this.#openFor(round)
    return this.#connecting.then(() => {
      if (this.#serves(round)) return this.#openFor(round)
      throw new ConnectError(this.#status.error ?? 'is not connected')
    })
  }

  #openFor(round: Round): Maybe<Link> {
    return this.#pool.get(this.terms.key(round), askerOf(round, this.terms.capabilities(round)))
  }

  mirrored(round: Round): readonly string[] | undefined {
    const tool = round.target?.name ?? ''
    if (this.#config.url === undefined) return undefined
    return this.terms.mirrored(round, this.#listing.annotated(round.audience, tool))
  }

  renews(link: Link, round: Round): boolean {
    const key = this.terms.key(round)
    // Another call has had it replaced.
    if (this.#pool.peek(key) !== link) return true
    if (!this.#renewals.take(round.target?.name ?? '', this.wheel.now())) return false
    if (key !== SHARED) this.#listing.refresh()
    return true
  }

  async #connect(): Promise<void> {
    const { wheel } = this.#host
    if (this.#retry !== undefined) wheel.remove(this.#retry)
    let link: Link | undefined
    try {
      link = await this.#pool.get(SHARED, { capabilities: this.terms.listCapabilities })
      if (this.#stopped) return
      await this.#listing.read(link)
      if (this.#stopped) return
      if (this.#hide !== undefined) wheel.remove(this.#hide)
      this.#hide = undefined
      this.#backoff.ready()
      this.#setStatus({ state: 'ready', ...evidence(link), tools: this.#listing.tools })
      this.#pollLater()
      this.watches.resume()
    } catch (error) {
      // What could be opened but not used is opened anew the next time.
      this.#discard(link)
      if (!this.#stopped) this.#down(error)
    }
  }

  async #open(key: string, asker: Asker | undefined): Promise<Link> {
    const link = await this.#opener.open(asker)
    link.onEnd = (why) => this.linkFailed(link, why)
    this.watches.learn(link.facts)
    if (key === SHARED) await this.#listing.listen(link)
    return link
  }

  /** A list that cannot be read again says that the server is not well, unless it is busy with calls. */
  #unread(link: Link, error: unknown): void {
    if (this.#stopped || this.#pool.peek(SHARED) !== link) return
    if (link.open > 0 && !(error instanceof ConnectError && error.httpStatus !== undefined)) {
      const message = `${this.id} did not list again what it has: ${messageOf(error)}`
      this.#host.log.warn({ upstream: this.id }, message)
      return
    }
    this.#discard(link)
    this.#down(error)
  }

  /** A link failed: it is replaced, and if that says the server is gone, so is its state. */
  linkFailed(link: Link, why: Lost): void {
    if (why.sessionLost !== true && why.unreachable !== true) return
    const shared = this.#pool.peek(SHARED) === link
    this.#discard(link)
    if (this.#stopped || !shared) return
    if (why.sessionLost === true) void this.connect()
    else if (this.#connecting === undefined) this.#down(new ConnectError(why.message, why))
  }

  /** Calls that it carries go on. */
  #discard(link: Link | undefined): void {
    if (link === undefined) return
    this.#pool.drop(link)
    link.retire()
    this.watches.lost(link)
  }

  #down(cause: unknown): void {
    const { wheel, now } = this.#host
    const delay = this.#backoff.next()
    if (this.#retry !== undefined) wheel.remove(this.#retry)
    this.#retry = wheel.after(delay, () => void this.connect())
    if (this.#config.whenDown === 'hide' && this.#hide === undefined) {
      this.#hide = wheel.after(this.#config.grace, () => this.#host.listed(this.id, [], false, {}))
    }
    const nextAttempt = Math.round(now() + delay)
    const { tools } = this.#listing
    this.#setStatus(downStatus(this.#status, cause, { tools, nextAttempt }, this.#opener.stderr))
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
        this.#discard(link)
        void this.connect()
      } else this.#listing.refresh()
      this.#pollLater()
    })
  }

  #sweepLater(): void {
    this.#sweep = this.#host.wheel.after(SWEEP, () => {
      void this.#pool.sweep()
      this.#sweepLater()
    })
  }
}
