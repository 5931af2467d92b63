import type { Readable, Writable } from 'node:stream'
import {
  type Authenticated,
  type AuthRequest,
  type Denial,
  deny,
  type Failure,
  type Maybe,
  type Principal,
} from '../../../sdk/index.ts'
import { isPromise } from '../../hooks/hooks.ts'
import { Eras, type ErasParts } from '../eras.ts'
import { failed } from '../hook-failure.ts'
import { type ParsedBody, parseBody } from '../message.ts'
import { PipeClient } from '../pipe/pipe-client.ts'
import { PipeSession } from '../pipe/pipe-session.ts'
import { NO_ID } from '../wire.ts'
import { LineReader } from './line-reader.ts'
import { StdioPipe } from './stdio-pipe.ts'

/** Bytes, as on every wire to a server. */
const LONGEST = 32 * 1024 * 1024
const CHANGED = deny('FORBIDDEN', 'this process serves another principal', {
  hint: 'Start one for each client.',
})
const NOBODY_YET: Principal = { issuer: '', subject: '', claims: {}, scopes: [] }
const HINT = 'Say in the config who the client of this process is: `stdio.principal`.'

/** The one client that a process serves. */
export interface StdioClient {
  readonly input: Readable
  readonly output: Writable
  /** Who it is; `undefined`: whom the `authenticate` hooks let in without any header. */
  readonly principal: Principal | undefined
  /** The path of the MCP endpoint it stands at. */
  readonly path: string
  /** Called once when it will send nothing more, or nobody reads any more. */
  readonly ended: () => void
}

/** Serves one client over its pipes, in both eras. */
export class StdioInbound {
  readonly #parts: ErasParts
  readonly #client: StdioClient
  readonly #eras: Eras
  readonly #pipe: StdioPipe
  readonly #peer: PipeClient
  readonly #session: PipeSession
  /** Messages that came while somebody found out who sent the one before: their order is the client's. */
  readonly #waiting: ParsedBody[] = []
  #busy = false
  #over = false

  constructor(parts: ErasParts, client: StdioClient) {
    this.#parts = parts
    this.#client = client
    this.#eras = new Eras(parts)
    const gone = () => {
      this.#peer.gone()
      this.#ended()
    }
    this.#pipe = new StdioPipe(client.output, () => this.#drained(), gone)
    this.#session = new PipeSession(parts.nextId(), client.principal ?? NOBODY_YET)
    this.#peer = new PipeClient(this.#eras.pipes, this.#pipe, this.#session)
  }

  /** Begins to read. */
  listen(): void {
    const { input } = this.#client
    const lines = new LineReader(LONGEST, (text, reason) => {
      this.#take(text === undefined ? { kind: 'malformed', reason } : parseBody(text))
    })
    input.on('data', (chunk: Buffer) => lines.feed(chunk))
    input.on('end', () => {
      lines.end()
      this.#over = true
      this.#flow()
    })
    input.on('error', () => {
      this.#over = true
      this.#flow()
    })
  }

  /** Open streams end with their final result. Resolves when the last call in flight was answered. */
  drain(): Promise<void> {
    return this.#eras.drain()
  }

  /** How many calls are being answered. */
  get inFlight(): number {
    return this.#eras.shared.inFlight.count
  }

  /** Reads nothing more. Resolves when what was written has left, or nobody takes it. */
  async close(): Promise<void> {
    this.#client.input.destroy()
  }

  #take(body: ParsedBody): void {
    this.#waiting.push(body)
    if (!this.#busy) void this.#work()
  }

  async #work(): Promise<void> {
    this.#busy = true
    for (let body = this.#waiting.shift(); body !== undefined; body = this.#waiting.shift()) {
      const served = this.#serve(body)
      if (!isPromise(served)) continue
      this.#client.input.pause()
      await served
    }
    this.#busy = false
    this.#flow()
  }

  /** Who is asked too much reads no more until it was answered; a client that does not read is not asked. */
  #flow(): void {
    const { input } = this.#client
    if (this.#busy) return
    if (this.#over) return this.#ended()
    if (!this.#pipe.keepsUp) input.pause()
    else if (input.isPaused()) input.resume()
  }

  #drained(): void {
    this.#peer.drained()
    this.#flow()
  }

  #ended(): void {
    // Whoever sends nothing more answers nothing more.
    this.#peer.silent()
    this.#client.ended()
  }

  #serve(body: ParsedBody): Maybe<void> {
    const { path, principal } = this.#client
    const requestId = this.#parts.nextId()
    const auth = { method: '', path, headers: {}, remoteAddress: undefined, requestId }
    const settle = (found: Authenticated | Denial) => {
      if ('principal' in found && this.#isSame(found.principal)) this.#peer.serve(body, auth, found)
      else this.#refuse(body, auth, 'principal' in found ? CHANGED : found)
    }
    if (principal !== undefined) return settle({ principal })
    const fail = (cause: unknown) => {
      this.#parts.fault(cause, requestId)
      this.#refuse(body, auth, failed(cause))
    }
    try {
      const found = this.#parts.kernel.authenticate(auth)
      return isPromise(found) ? found.then(settle).catch(fail) : settle(found)
    } catch (cause) {
      return fail(cause)
    }
  }

  /** The session is whose it was at first. */
  #isSame(principal: Principal): boolean {
    const { issuer, subject } = principal
    if (this.#session.subject === '') this.#session.claim(principal)
    return this.#session.issuer === issuer && this.#session.subject === subject
  }

  #refuse(body: ParsedBody, { requestId, path }: AuthRequest, why: Denial | Failure): void {
    const { kernel, refused } = this.#parts
    const { code, message: reason } = why
    const remoteAddress = undefined
    refused({ requestId, code, reason, path, remoteAddress })
    if (why.kind === 'denial') {
      kernel.emit({ type: 'auth.refused', denial: why, path, remoteAddress, requestId })
    }
    const told = why.code === 'UNAUTHENTICATED' ? { ...why, hint: HINT } : why
    const reply = this.#eras.shared.replies.door(told, requestId)
    if (body.kind !== 'one') return this.#peer.refuse(reply, NO_ID)
    const { message } = body
    // Neither a notification nor an answer is answered.
    if (message.id !== undefined && message.method !== undefined) this.#peer.refuse(reply, message)
  }
}
