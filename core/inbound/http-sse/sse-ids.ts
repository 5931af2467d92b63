import { randomBytes } from 'node:crypto'
import type { Sealer } from '../../kernel/ports.ts'

const PURPOSE = 'sse-session'
/** Bytes. */
const NONCE = 16

/** Makes the ids of HTTP+SSE sessions: sealed, with the replica that holds the stream. */
export class SseIds {
  readonly #sealer: Sealer
  readonly #replica: string

  /** @param replica the name of this process among those with the same keys */
  constructor(sealer: Sealer, replica: string) {
    this.#sealer = sealer
    this.#replica = replica
  }

  /** An id that nobody can guess or make. */
  make(): string {
    const nonce = randomBytes(NONCE).toString('base64url')
    return this.#sealer.seal(JSON.stringify([this.#replica, nonce]), PURPOSE)
  }

  /** The replica that holds the stream of this id; `undefined` for ids that were not made with our keys. */
  replicaOf(id: string): string | undefined {
    const facts = this.#sealer.open(id, PURPOSE)
    return facts === undefined ? undefined : (JSON.parse(facts) as [string, string])[0]
  }
}
