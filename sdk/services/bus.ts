import type { Maybe } from '../hooks.ts'
import { type Token, token } from '../token.ts'

/** What a server of streams has at hand. */
export interface Stream {
  /** Sends one message before the outcome. After the end nobody hears it. */
  send(message: unknown): void
  /** Aborted when the one who asked went away. */
  readonly signal: AbortSignal
}

/** What one who asks for a stream has at hand. */
export interface StreamOptions {
  /** Aborting it ends the stream at the other side too; the promise rejects with its reason. */
  readonly signal?: AbortSignal
  /** Told of every message, in the order they were sent. */
  readonly onMessage: (message: unknown) => void
}

/**
 * Messages between the replicas of one gateway; the embedded one knows only itself. Topics belong to the
 * plugin line: the same line of another replica hears them, other lines do not. Messages travel as JSON
 * and arrive later than the call that sends them returns. What a listener throws is logged.
 *
 * `request` and `stream` reject with ServiceError: `NO_REPLICA` (no such owner), `NO_ANSWER` (the owner
 * serves no such topic), `TIMEOUT`, `ANSWER_FAILED` (its handler threw; the message says what).
 */
export interface Bus {
  /** This replica's id; `owner` elsewhere. */
  readonly replica: string
  /** Tells every listener of every replica, this one included. */
  publish(topic: string, message: unknown): Maybe<void>
  /** @returns ends the subscription */
  subscribe(topic: string, listener: (message: unknown) => void): () => void
  /** Asks one replica. */
  request(
    owner: string,
    topic: string,
    message: unknown,
    options: { readonly timeoutMs: number },
  ): Promise<unknown>
  /** Answers requests; the last handler of a topic counts. @returns takes the handler away */
  answer(topic: string, handler: (message: unknown) => Maybe<unknown>): () => void
  /** Asks one replica for messages and an outcome. */
  stream(owner: string, topic: string, message: unknown, options: StreamOptions): Promise<unknown>
  /** Serves streams; the last handler of a topic counts. @returns takes the handler away */
  serve(topic: string, handler: (message: unknown, stream: Stream) => Maybe<unknown>): () => void
}
/** The service of that name. */
export const Bus: Token<Bus> = token<Bus>('Bus')
