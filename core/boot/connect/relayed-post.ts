import type { Slotted } from '../../hooks/slots.ts'
import type { ClientMessage } from '../../inbound/message.ts'
import type { OpenCall } from '../../inbound/open-calls.ts'
import { respond } from '../../inbound/wire.ts'
import type { HttpExchange, HttpReader } from '../../outbound/http-pool.ts'
import type { Lost } from '../../outbound/link.ts'
import { isResponse, readMessage } from '../../outbound/message.ts'
import { type AnswerHeaders, isSessionLost, refusedBy } from '../../outbound/refused-status.ts'
import { type Resumable, Resumption } from '../../outbound/resumption.ts'
import { editMembers } from '../../wire/json.ts'
import { CODE } from '../../wire/protocol.ts'
import { type Remote, revisionOf } from './remote.ts'

/** What a POST tells whoever sent it. */
export interface PostOwner {
  readonly remote: Remote
  /** Tells the client. @param must whether it has to hear it however slowly it reads */
  tell(json: string, must: boolean): void
  /** Tells whoever runs the process. */
  warn(reason: string): void
  /** It is over. */
  forget(post: RelayedPost): void
}

/** One POST for a message of the client, and what comes back for it. */
export class RelayedPost implements HttpReader, Resumable, Slotted {
  slot = -1
  readonly message: ClientMessage | undefined
  /** What it is cancelled by. */
  known: OpenCall | undefined
  readonly #owner: PostOwner
  #exchange: HttpExchange | undefined
  #status = 0
  #headers: AnswerHeaders = {}
  #refusal: string | undefined
  #answered = false
  #over = false
  #resumption: Resumption | undefined

  /** @param message `undefined` for a batch */
  constructor(owner: PostOwner, message: ClientMessage | undefined) {
    this.#owner = owner
    this.message = message
  }

  send(text: string): void {
    this.#exchange = this.#owner.remote.post(text, this.message, this)
  }

  /** The client wants no answer: in 2026-07-28 the closed stream says so. */
  cancel(): void {
    if (this.#over) return
    this.#end()
    this.#exchange?.abort()
  }

  started(status: number, headers: AnswerHeaders): void {
    this.#status = status
    this.#headers = headers
    const session = headers['mcp-session-id']
    const { remote } = this.#owner
    if (status >= 300 || this.message?.method !== 'initialize') return
    remote.revision = undefined
    remote.session = typeof session === 'string' ? session : undefined
  }

  data(text: string): void {
    if (this.#over) return
    if (this.#status >= 300) {
      this.#refusal = text
      return
    }
    if (this.#status === 202 || text.trim() === '') return
    const message = readMessage(text)
    if (message === undefined) {
      // A batch is answered by one.
      if (this.message === undefined && text.trimStart().startsWith('[')) {
        this.#answered = true
        return this.#owner.tell(text, true)
      }
      return this.#owner.warn('the server sent something that is not JSON-RPC')
    }
    const answers = isResponse(message)
    if (answers) this.#learn(message.value.result)
    this.#owner.tell(text, answers || message.value.id !== undefined)
    if (!answers || this.message === undefined) return
    this.#answered = true
    if (this.#resumption !== undefined) this.#resumption.stop()
  }

  marked(id: string): void {
    this.#taking().marked(id)
  }

  retryAfter(ms: number): void {
    this.#taking().retryAfter(ms)
  }

  resume(lastEventId: string): void {
    this.#status = 0
    this.#exchange = this.#owner.remote.stream(this, lastEventId)
  }

  ended(): void {
    if (this.#over) return
    if (this.#status >= 300) return this.#refused()
    const { message } = this
    const asked =
      message === undefined || (message.id !== undefined && message.method !== undefined)
    if (this.#answered || !asked) return this.#end()
    if (this.#waits() && this.#taking().begin()) return
    this.#fail('the server closed the answer before its end')
  }

  failed({ message }: Lost): void {
    if (this.#over) return
    if (this.#status !== 0 && this.#waits() && this.#taking().begin()) return
    this.#fail(message)
  }

  /** Whether the answer to a handshake's request is still to come: only such a stream can be taken up again. */
  #waits(): boolean {
    const { message } = this
    return !this.#answered && message?.id !== undefined && revisionOf(message) === undefined
  }

  #learn(result: unknown): void {
    const { remote } = this.#owner
    const method = this.message?.method
    if (method === 'tools/list') remote.learn(result)
    if (method !== 'initialize') return
    const { protocolVersion } = (result ?? {}) as { protocolVersion?: unknown }
    if (typeof protocolVersion === 'string') remote.revision = protocolVersion
  }

  #refused(): void {
    const { remote } = this.#owner
    const said = this.#refusal === undefined ? undefined : readMessage(this.#refusal)
    if (remote.session !== undefined && isSessionLost(this.#status, this.#refusal)) {
      this.#owner.warn('the server has forgotten the session; the client must initialize again')
    }
    if (said !== undefined && 'error' in said.value && this.message?.id !== undefined) {
      // Who is refused before anything was read is answered without an id.
      const { text } = said
      const own = said.value.id == null ? editMembers(text, 0, { id: this.message.id }) : text
      this.#owner.tell(own, true)
      return this.#end()
    }
    const why = refusedBy(this.#status, this.#headers, remote.url).message
    const auth = this.#status === 401 || this.#status === 403
    this.#fail(
      auth ? `${why}. Give it other credentials: \`--header "Authorization: …"\`` : why,
      auth ? CODE.unauthenticated : CODE.unavailable,
    )
  }

  /** Ends it without an answer of the server's: whoever waits is told why. */
  #fail(reason: string, code: number = CODE.unavailable): void {
    const { message } = this
    this.#end()
    if (message?.method === undefined || message.id === undefined) {
      if (!this.#answered && this.#status !== 202) this.#owner.warn(reason)
      return
    }
    if (this.#answered) return
    const body = `"error":${JSON.stringify({ code, message: reason })}`
    this.#owner.tell(respond(message, { status: 200, body }), true)
  }

  #taking(): Resumption {
    this.#resumption ??= new Resumption(this.#owner.remote.wheel, this)
    return this.#resumption
  }

  #end(): void {
    this.#over = true
    this.#resumption?.stop()
    this.#owner.forget(this)
  }
}
