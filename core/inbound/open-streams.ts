import type { Principal } from '../../sdk/index.ts'
import type { ListStream } from './list-stream.ts'

/** Every open stream: one per legacy session, and only so many per principal. */
export class OpenStreams {
  readonly #all = new Set<ListStream>()
  readonly #bySession = new Map<string, ListStream>()
  readonly #counts = new Map<string, number>()
  /** How many one principal may hold open at once. */
  readonly most: number

  constructor(most: number) {
    this.most = most
  }

  /** Whether the principal may open no more. */
  full(principal: Principal): boolean {
    return (this.#counts.get(keyOf(principal)) ?? 0) >= this.most
  }

  /** Keeps a stream until it is closed. */
  add(stream: ListStream): void {
    const { session, caller } = stream
    this.#all.add(stream)
    this.hold(caller.principal)
    if (session !== undefined) this.#bySession.set(session, stream)
  }

  /** Forgets a stream that was closed. */
  closed(stream: ListStream): void {
    if (!this.#all.delete(stream)) return
    const { session, caller } = stream
    this.release(caller.principal)
    if (session !== undefined && this.#bySession.get(session) === stream) {
      this.#bySession.delete(session)
    }
  }

  /** Counts a stream that others keep. */
  hold(principal: Principal): void {
    const key = keyOf(principal)
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }

  /** It is over. */
  release(principal: Principal): void {
    const key = keyOf(principal)
    const left = (this.#counts.get(key) ?? 0) - 1
    if (left > 0) this.#counts.set(key, left)
    else this.#counts.delete(key)
  }

  /** The stream of a legacy session, if it has one. @param session its nonce */
  of(session: string): ListStream | undefined {
    return this.#bySession.get(session)
  }

  /** Ends the stream of a legacy session, if it has one. @param session its nonce */
  endSession(session: string): void {
    void this.#bySession.get(session)?.end()
  }

  /** Ends all. Resolves when every last word has left. */
  async end(): Promise<void> {
    await Promise.all([...this.#all].map((stream) => stream.end()))
  }
}

function keyOf({ issuer, subject }: Principal): string {
  return JSON.stringify([issuer, subject])
}
