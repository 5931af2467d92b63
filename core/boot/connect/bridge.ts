import type { Readable, Writable } from 'node:stream'
import { Slots } from '../../hooks/slots.ts'
import { type ClientMessage, parseBody } from '../../inbound/message.ts'
import { OpenCalls } from '../../inbound/open-calls.ts'
import { LineReader } from '../../inbound/stdio/line-reader.ts'
import { StdioPipe } from '../../inbound/stdio/stdio-pipe.ts'
import { NO_ID, respond } from '../../inbound/wire.ts'
import { isResponse, MAX_MESSAGE, readMessage } from '../../outbound/message.ts'
import { CODE } from '../../wire/protocol.ts'
import { type PostOwner, RelayedPost } from './relayed-post.ts'
import { type Remote, revisionOf } from './remote.ts'
import { SessionStream } from './session-stream.ts'

/** Whose ids requests have: there is one client. */
const CLIENT = { id: 'stdio', nonce: 'stdio' }

/** Two pipes on one side, and a server of Streamable HTTP on the other. */
export interface BridgeParts {
  readonly input: Readable
  readonly output: Writable
  readonly remote: Remote
  /** Tells whoever runs the process. */
  readonly warn: (reason: string) => void
  /** Called when the client sends nothing more, or reads nothing more. */
  readonly ended: () => void
}

/** Carries what a stdio client says to a server, and back. It changes nothing that it carries. */
export class Bridge implements PostOwner {
  readonly remote: Remote
  readonly warn: (reason: string) => void
  readonly #parts: BridgeParts
  readonly #pipe: StdioPipe
  readonly #open = new Slots<RelayedPost>()
  /** Requests of 2026-07-28, which are cancelled by closing their streams. */
  readonly #calls = new OpenCalls()
  #stream: SessionStream | undefined
  #idle: (() => void) | undefined

  constructor(parts: BridgeParts) {
    this.#parts = parts
    this.remote = parts.remote
    this.warn = parts.warn
    this.#pipe = new StdioPipe(
      parts.output,
      () => parts.input.resume(),
      () => parts.ended(),
    )
  }

  /** Begins to read. */
  listen(): void {
    const { input, ended } = this.#parts
    const lines = new LineReader(MAX_MESSAGE, (text, problem) => {
      if (text === undefined) this.#refuse(CODE.parse, `Parse error: ${problem}`)
      else this.#take(text)
    })
    input.on('data', (chunk: Buffer) => {
      lines.feed(chunk)
      // Who does not read is not listened to.
      if (!this.#pipe.keepsUp) input.pause()
    })
    input.on('end', () => {
      lines.end()
      ended()
    })
    input.on('error', ended)
  }

  /** Resolves when nothing of a handshake's is open any more, and nothing of 2026-07-28's but streams that last. */
  idle(): Promise<void> {
    for (const post of this.#open.all()) {
      if (post.message?.method === 'subscriptions/listen') post.cancel()
    }
    if (this.#open.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#idle = resolve
    })
  }

  /** Gives up what is open, and tells the server that its session is over. */
  async close(): Promise<void> {
    this.#stream?.end()
    for (const post of this.#open.all()) post.cancel()
    await this.remote.end()
    await this.remote.close()
    await new Promise<void>((resolve) => this.#pipe.flushed(resolve))
  }

  tell(json: string, must: boolean): void {
    if (must || this.#pipe.keepsUp) this.#pipe.write(json)
  }

  forget(post: RelayedPost): void {
    this.#open.delete(post)
    if (post.known !== undefined) this.#calls.over(post.known)
    if (this.#open.size === 0) this.#idle?.()
  }

  #take(text: string): void {
    const body = parseBody(text)
    switch (body.kind) {
      case 'malformed':
        return this.#refuse(CODE.parse, `Parse error: ${body.reason}`)
      case 'invalid':
        return this.#refuse(CODE.invalidRequest, `Invalid Request: ${body.reason}`)
      case 'batch':
        return this.#post(text, undefined)
      default:
        return this.#one(text, body.message)
    }
  }

  #one(text: string, message: ClientMessage): void {
    const { method } = message
    if (method === 'notifications/cancelled') {
      // In 2026-07-28 the closed stream says it, and over HTTP there is no such message.
      if (this.#calls.cancel(CLIENT, message) || revisionOf(message) !== undefined) return
    }
    this.#post(text, message)
    if (method !== 'notifications/initialized') return
    this.#stream?.end()
    this.#stream = new SessionStream(this.remote, (json) => {
      const said = readMessage(json)
      if (said !== undefined) this.tell(json, isResponse(said) || said.value.id !== undefined)
    })
  }

  #post(text: string, message: ClientMessage | undefined): void {
    const post = new RelayedPost(this, message)
    this.#open.add(post)
    if (message?.id !== undefined && revisionOf(message) !== undefined) {
      post.known = this.#calls.begin(CLIENT, message, post)
    }
    post.send(text)
  }

  #refuse(code: number, message: string): void {
    const body = `"error":${JSON.stringify({ code, message })}`
    this.#pipe.write(respond(NO_ID, { status: 200, body }))
  }
}
