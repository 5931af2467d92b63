import { randomBytes } from 'node:crypto'
import type { Bus, Client, Maybe, Principal } from '../../sdk/index.ts'
import { hear, isPromise } from '../hooks/hooks.ts'
import type { Sealer } from '../kernel/ports.ts'
import { isObject } from '../wire/json.ts'
import type { Session, SessionLimits, SessionNews, SessionState, StoredSession } from './session.ts'

/**
 * Sessions that are known without asking where they are kept. Half of what a table has room for: one that is fuller
 * makes itself a larger one while its entries come and go.
 */
const OPENED_KEPT = 8_192
/** How many ended sessions are remembered in memory; the oldest are forgotten first. */
const ENDED_KEPT = 100_000
const PURPOSE = 'session'
const TOPIC = 'sessions'
/** Bytes. */
const NONCE = 16
/** The last use is kept at most that often, in milliseconds. */
const COARSE = 60 * 60_000

/** What is sealed: issuer, subject, client, when it was opened, nonce. */
type SessionFacts = [string, string, Client, number, string]

/** What remembers sessions beyond this process. */
export interface SessionStore {
  /** Whether others write there without telling: then it is asked at every request. */
  readonly shared: boolean
  /** Throws or rejects when it cannot say; `undefined` when nothing was kept. */
  load(nonce: string): Maybe<StoredSession | undefined>
  /** @param expires milliseconds since the epoch */
  save(nonce: string, state: SessionState, used: number, expires: number): Maybe<void>
  /** @param expires milliseconds since the epoch */
  end(nonce: string, expires: number): Maybe<void>
}

/** What sessions are made of. */
export interface SessionsParts {
  readonly sealer: Sealer
  readonly store: SessionStore
  /** Between replicas. */
  readonly bus: Pick<Bus, 'replica' | 'publish' | 'subscribe'>
  readonly limits: SessionLimits
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Told of what could not be kept, or told to other replicas. */
  readonly fault: (cause: unknown) => void
}

/** Opens, recognises, remembers and ends legacy sessions. */
export class Sessions {
  readonly #parts: SessionsParts
  readonly #opened = new Map<string, Session>()
  readonly #byNonce = new Map<string, Session>()
  readonly #ended = new Set<string>()
  readonly #coarse: number
  /** Told of the nonce of every session that was ended, here or at another replica. */
  onEnded: (nonce: string) => void = () => {}
  /** Told when another replica changed what is remembered of a session. */
  onChanged: (session: Session) => void = () => {}

  constructor(parts: SessionsParts) {
    this.#parts = parts
    this.#coarse = Math.min(COARSE, parts.limits.idle / 10)
    parts.bus.subscribe(TOPIC, (news) => this.#heard(news))
  }

  /** A new session of this principal. */
  create({ issuer, subject }: Principal, client: Client): Session {
    const nonce = randomBytes(NONCE).toString('base64url')
    const facts: SessionFacts = [issuer, subject, client, this.#parts.now(), nonce]
    return this.#keep(this.#make(this.#parts.sealer.seal(JSON.stringify(facts), PURPOSE), facts))
  }

  /**
   * The session of that id, with what is remembered of it; whose it is and whether it lives, `open` says.
   * Waits only for a session that this process does not know, or one that others may have used or ended
   * without telling. Throws or rejects when what is remembered cannot be read.
   */
  learn(id: string): Maybe<Session | undefined> {
    const known = this.#opened.get(id)
    const { store } = this.#parts
    if (known !== undefined && !store.shared && !this.#idle(known)) return known
    const session = known ?? this.#unseal(id)
    if (session === undefined || !this.#mayLive(session)) return session
    const stored = store.load(session.nonce)
    const take = (found: StoredSession | undefined) => this.#learnt(session, found)
    return isPromise(stored) ? stored.then(take) : take(stored)
  }

  /** That session, if it is alive and this principal's: used by it now. */
  open(session: Session | undefined, { issuer, subject }: Principal): Session | undefined {
    if (session === undefined) return undefined
    if (session.issuer !== issuer || session.subject !== subject) return undefined
    return this.use(session) ? session : undefined
  }

  /** Its client was heard of. @returns whether it is alive */
  use(session: Session): boolean {
    if (!this.#mayLive(session) || this.#idle(session)) return false
    session.used = this.#parts.now()
    if (session.used - session.kept >= this.#coarse) this.#kept(this.#save(session))
    return true
  }

  /** Changes what is remembered of it. Resolves when that is kept, or could not be, which is told. */
  remember(session: Session, change: SessionState): Maybe<void> {
    session.state = { ...session.state, ...change }
    this.#tell({ nonce: session.nonce, state: session.state })
    return this.#kept(this.#save(session))
  }

  /** Ends it: its id opens nothing from now on. Resolves when that is kept, or could not be, which is told. */
  end(session: Session): Maybe<void> {
    const { nonce, expires } = session
    this.#end(nonce)
    this.#tell({ nonce, ended: true })
    return this.#kept(() => this.#parts.store.end(nonce, expires))
  }

  #save(session: Session): () => Maybe<void> {
    session.kept = session.used
    const { nonce, state, used, expires } = session
    return () => this.#parts.store.save(nonce, state, used, expires)
  }

  #kept(work: () => Maybe<void>): Maybe<void> {
    const { fault } = this.#parts
    try {
      const done = work()
      return isPromise(done) ? done.catch(fault) : undefined
    } catch (cause) {
      return fault(cause)
    }
  }

  #tell(news: SessionNews): void {
    const { bus, fault } = this.#parts
    try {
      hear(bus.publish(TOPIC, { ...news, from: bus.replica }), fault)
    } catch (cause) {
      fault(cause)
    }
  }

  #heard(news: unknown): void {
    if (!isObject(news) || news.from === this.#parts.bus.replica) return
    const { nonce, ended, state } = news
    if (typeof nonce !== 'string') return
    if (ended === true) return this.#end(nonce)
    const known = this.#byNonce.get(nonce)
    if (known === undefined || !isObject(state)) return
    known.state = state
    this.onChanged(known)
  }

  #end(nonce: string): void {
    const session = this.#byNonce.get(nonce)
    if (session !== undefined) this.#forget(session)
    this.#ended.add(nonce)
    if (this.#ended.size > ENDED_KEPT)
      this.#ended.delete(this.#ended.values().next().value as string)
    this.onEnded(nonce)
  }

  #mayLive({ nonce, expires }: Session): boolean {
    return expires > this.#parts.now() && !this.#ended.has(nonce)
  }

  #idle({ used }: Session): boolean {
    return used + this.#parts.limits.idle <= this.#parts.now()
  }

  #learnt(session: Session, stored: StoredSession | undefined): Session {
    if (stored?.ended === true) {
      if (!this.#ended.has(session.nonce)) this.#end(session.nonce)
      return session
    }
    // Another request may have learnt it meanwhile.
    const known = this.#opened.get(session.id)
    const kept = known ?? this.#keep(session)
    if (known === undefined || stored?.state !== undefined) kept.state = stored?.state ?? {}
    if (stored?.used !== undefined && stored.used > kept.kept) kept.kept = stored.used
    else if (known !== undefined) return kept
    // Uses since then were too soon to be kept: the session gets the benefit of the doubt.
    const used = Math.min(this.#parts.now(), kept.kept + this.#coarse)
    kept.used = Math.max(kept.used, used)
    return kept
  }

  #unseal(id: string): Session | undefined {
    const facts = this.#parts.sealer.open(id, PURPOSE)
    if (facts === undefined) return undefined
    const read = JSON.parse(facts) as SessionFacts
    const [, , client, , nonce] = read
    return isObject(client) && typeof nonce === 'string' ? this.#make(id, read) : undefined
  }

  #make(id: string, [issuer, subject, client, opened, nonce]: SessionFacts): Session {
    const clientKey = JSON.stringify(client)
    const expires = opened + this.#parts.limits.lifetime
    const facts = { id, nonce, issuer, subject, client, clientKey, expires }
    return { ...facts, state: {}, used: opened, kept: opened }
  }

  /** The newest opened ones are kept: opening a seal costs more than the rest of a call. */
  #keep(session: Session): Session {
    if (this.#opened.size >= OPENED_KEPT)
      this.#forget(this.#opened.values().next().value as Session)
    this.#opened.set(session.id, session)
    this.#byNonce.set(session.nonce, session)
    return session
  }

  #forget({ id, nonce }: Session): void {
    this.#opened.delete(id)
    this.#byNonce.delete(nonce)
  }
}
