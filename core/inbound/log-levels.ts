import { CODE, LOG_LEVELS } from '../wire/protocol.ts'
import type { Replies, Reply } from './replies.ts'
import type { Session } from './session.ts'

/** Sessions whose level is remembered; the oldest are forgotten first. */
const MOST = 100_000

/** From which level on each handshake session wants its servers' log messages (MCP, `logging/setLevel`). */
export class LogLevels {
  readonly #levels = new Map<string, string>()

  /** logging/setLevel. */
  set({ nonce }: Session, level: unknown, replies: Replies): Reply {
    if (typeof level !== 'string' || !LOG_LEVELS.includes(level)) {
      const reason = `Invalid params: \`level\` must be one of ${LOG_LEVELS.join(', ')}`
      return replies.error(200, CODE.invalidParams, reason)
    }
    this.#levels.delete(nonce)
    if (this.#levels.size >= MOST) this.#levels.delete(this.#levels.keys().next().value as string)
    this.#levels.set(nonce, level)
    return replies.result('legacy', '')
  }

  /** `undefined` for a session that has asked for none: it gets none. */
  of({ nonce }: Session): string | undefined {
    return this.#levels.get(nonce)
  }

  /** The session is over. */
  forget({ nonce }: Session): void {
    this.#levels.delete(nonce)
  }
}
