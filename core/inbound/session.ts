import { randomBytes } from 'node:crypto'
import type { Client, Maybe, Principal } from '../../sdk/index.ts'
import type { Sealer } from '../kernel/ports.ts'
import { isObject } from '../wire/json.ts'

const LIFETIME = 7 * 24 * 60 * 60_000
const OPENED_KEPT = 10_000
const PURPOSE = 'legacy-session'
/** Bytes. */
const NONCE = 16

/** What is sealed: issuer, subject, client, expiry, nonce. */
type SessionFacts = [string, string, Client, number, string]

/** A legacy session: sealed facts that any replica can open, and nothing that changes. */
export interface Session {
  /** The id on the wire. */
  readonly id: string
  /** What is remembered of it once it was ended: far shorter than the id, which holds all its facts. */
  readonly nonce: string
  readonly issuer: string
  readonly subject: string
  readonly client: Client
  /** Equal for equal clients. */
  readonly clientKey: string
  /** Milliseconds since the epoch. */
  readonly expires: number
}

/** What remembers that a session was ended, by its nonce. May forget the oldest ones, and all at a restart. */
export interface Revocations {
  has(key: string): boolean
  /** @param ttl milliseconds */
  add(key: string, ttl: number): void
  /** Asks where other replicas tell it, so that `has` knows; absent where there is nobody else to ask. */
  learn?(key: string): Maybe<void>
}

/** Opens, recognises and ends legacy sessions. */
export class Sessions {
  readonly #sealer: Sealer
  readonly #revoked: Revocations
  readonly #now: () => number
  readonly #opened = new Map<string, Session>()

  /** @param now milliseconds since the epoch */
  constructor(sealer: Sealer, revoked: Revocations, now: () => number) {
    this.#sealer = sealer
    this.#revoked = revoked
    this.#now = now
  }

  /** A new session of this principal. */
  create({ issuer, subject }: Principal, client: Client): Session {
    const expires = this.#now() + LIFETIME
    const nonce = randomBytes(NONCE).toString('base64url')
    const facts: SessionFacts = [issuer, subject, client, expires, nonce]
    return this.#keep(this.#sealer.seal(JSON.stringify(facts), PURPOSE), facts)
  }

  /** Learns whether another replica ended the session of that id, before it is opened. Throws or rejects when nobody can say. */
  learn(id: string): Maybe<void> {
    if (this.#revoked.learn === undefined) return undefined
    const session = this.#opened.get(id) ?? this.#unseal(id)
    return session === undefined ? undefined : this.#revoked.learn(session.nonce)
  }

  /** The session of that id, if it is ours, alive, and this principal's. */
  open(id: string, { issuer, subject }: Principal): Session | undefined {
    const session = this.#opened.get(id) ?? this.#unseal(id)
    if (session === undefined || session.expires <= this.#now()) return undefined
    if (session.issuer !== issuer || session.subject !== subject) return undefined
    return this.#revoked.has(session.nonce) ? undefined : session
  }

  /**
   * Ends it: its id opens nothing from now on, for as long as the revocation is remembered. Where that
   * was forgotten, the id opens the session again until it expires.
   */
  end(session: Session): void {
    this.#opened.delete(session.id)
    this.#revoked.add(session.nonce, session.expires - this.#now())
  }

  #unseal(id: string): Session | undefined {
    const facts = this.#sealer.open(id, PURPOSE)
    if (facts === undefined) return undefined
    const read = JSON.parse(facts) as SessionFacts
    const [, , client, , nonce] = read
    return isObject(client) && typeof nonce === 'string' ? this.#keep(id, read) : undefined
  }

  /** The newest opened ones are kept: opening a seal costs more than the rest of a call. */
  #keep(id: string, [issuer, subject, client, expires, nonce]: SessionFacts): Session {
    const clientKey = JSON.stringify(client)
    const session = { id, nonce, issuer, subject, client, clientKey, expires }
    if (this.#opened.size >= OPENED_KEPT)
      this.#opened.delete(this.#opened.keys().next().value as string)
    this.#opened.set(id, session)
    return session
  }
}
