import { connect, type Socket } from 'node:net'

/** One HTTP answer. `body` is the payload with the chunked framing taken off. */
export interface Answer {
  readonly status: number
  /** Status line and header fields as they came. */
  readonly head: string
  /** Valid until the next answer arrives. */
  readonly body: Buffer
}

const HEAD_END = Buffer.from('\r\n\r\n')
const LINE_END = Buffer.from('\r\n')

/**
 * One keep-alive connection that carries one request at a time, as bytes. An HTTP client of a library
 * would cost as much as what is to be measured.
 */
export class Connection {
  readonly #socket: Socket
  #parts: Buffer[] = []
  #held = 0
  /** Bytes to collect before it is worth looking again. */
  #wanted = 0
  #resolve: ((answer: Answer) => void) | undefined
  #reject: ((cause: Error) => void) | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('error', (cause) => this.#fail(cause))
    socket.on('close', () => this.#fail(new Error('the server closed the connection')))
  }

  /** Rejects when nobody listens there. */
  static open(url: string): Promise<Connection> {
    const { hostname, port } = new URL(url)
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname)
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new Connection(socket))
      })
    })
  }

  /** Sends one request; `done` or `failed` runs once. Only when the last one has been answered. */
  send(bytes: Buffer, done: (answer: Answer) => void, failed: (cause: Error) => void): void {
    this.#resolve = done
    this.#reject = failed
    if (this.#socket.destroyed) this.#fail(new Error('the connection is closed'))
    else this.#socket.write(bytes)
  }

  /** The same as a promise, for what is not timed. */
  exchange(bytes: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => this.send(bytes, resolve, reject))
  }

  /** Hangs up; a request still open fails. */
  close(): void {
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#parts.push(chunk)
    this.#held += chunk.length
    if (this.#held < this.#wanted) return
    const bytes = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts)
    this.#parts = [bytes]
    const end = bytes.indexOf(HEAD_END)
    if (end < 0) return
    const head = bytes.toString('latin1', 0, end)
    const from = end + HEAD_END.length
    let body: Buffer | undefined
    if (/^transfer-encoding: *chunked/im.test(head)) {
      body = joinChunks(bytes, from)
    } else {
      const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
      this.#wanted = from + length
      if (bytes.length >= this.#wanted) body = bytes.subarray(from, this.#wanted)
    }
    if (body === undefined) return
    this.#parts = []
    this.#held = 0
    this.#wanted = 0
    const resolve = this.#resolve
    this.#resolve = undefined
    this.#reject = undefined
    resolve?.({ status: Number(head.slice(9, 12)), head, body })
  }

  #fail(cause: Error): void {
    const reject = this.#reject
    this.#resolve = undefined
    this.#reject = undefined
    this.#socket.destroy()
    reject?.(cause)
  }
}

/** The payload of a chunked body, or undefined while its last chunk is missing. */
function joinChunks(bytes: Buffer, from: number): Buffer | undefined {
  const chunks: Buffer[] = []
  let at = from
  while (true) {
    const lineEnd = bytes.indexOf(LINE_END, at)
    if (lineEnd < 0) return undefined
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    const start = lineEnd + LINE_END.length
    if (bytes.length < start + size + LINE_END.length) return undefined
    if (size === 0) return Buffer.concat(chunks)
    chunks.push(bytes.subarray(start, start + size))
    at = start + size + LINE_END.length
  }
}
