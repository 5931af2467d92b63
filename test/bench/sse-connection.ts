import { connect, type Socket } from 'node:net'
import { type Answer, Connection } from './connection.ts'
import { type Aim, listen } from './wire.ts'

const HEAD_END = '\r\n\r\n'
const LINE_END = '\r\n'
const EVENT_END = '\n\n'

/** A client of HTTP+SSE (2024-11-05): one stream for the answers, one connection to post over. */
export class SseConnection {
  readonly #stream: Socket
  #post: Connection | undefined
  #events = new Events()
  #done: ((answer: Answer) => void) | undefined
  #failed: ((cause: Error) => void) | undefined
  /** What is still missing before the request under way is answered: its event, its HTTP answer. */
  #missing = 0
  #answer: Answer | undefined
  #endpoint: ((path: string) => void) | undefined

  private constructor(stream: Socket) {
    this.#stream = stream
    stream.setNoDelay(true)
    stream.setEncoding('latin1')
    stream.on('data', (chunk: string) => {
      for (const event of this.#events.take(chunk)) this.#take(event)
    })
    stream.on('error', (cause) => this.#fail(cause))
    stream.on('close', () => this.#fail(new Error('the server closed the stream')))
  }

  /** Opens the stream and reads from it where to post. Rejects when nobody listens there. */
  static async open(aim: Aim): Promise<{ connection: SseConnection; url: string }> {
    const { hostname, port } = new URL(aim.url)
    const socket = connect(Number(port), hostname)
    const connection = new SseConnection(socket)
    const path = await new Promise<string>((resolve, reject) => {
      connection.#endpoint = resolve
      connection.#failed = reject
      socket.write(listen(aim))
    })
    connection.#failed = undefined
    const url = new URL(path, aim.url).href
    connection.#post = await Connection.open(url)
    return { connection, url }
  }

  /** Sends one request; `done` or `failed` runs once. Only when the last one has been answered. */
  send(bytes: Buffer, done: (answer: Answer) => void, failed: (cause: Error) => void): void {
    this.#done = done
    this.#failed = failed
    this.#missing = 2
    this.#post?.send(
      bytes,
      ({ status }) => {
        if (status === 202 || status === 200) this.#arrived()
        else this.#fail(new Error(`the message was answered with status ${status}`))
      },
      (cause) => this.#fail(cause),
    )
  }

  /** The same as a promise, for what is not timed. */
  exchange(bytes: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => this.send(bytes, resolve, reject))
  }

  /** Sends what has no answer on the stream. */
  async notify(bytes: Buffer): Promise<void> {
    await this.#post?.exchange(bytes)
  }

  /** Hangs up; a request still open fails. */
  close(): void {
    this.#stream.destroy()
    this.#post?.close()
  }

  #take({ name, data }: Event): void {
    if (name === 'endpoint') {
      this.#endpoint?.(data)
    } else if (data.includes('"result"') || data.includes('"error"')) {
      const body = Buffer.from(data, 'latin1')
      this.#answer = { status: 200, head: 'an event of the stream', body }
      this.#arrived()
    }
  }

  #arrived(): void {
    if (--this.#missing > 0) return
    const [done, answer] = [this.#done, this.#answer]
    this.#done = undefined
    this.#failed = undefined
    this.#answer = undefined
    if (answer !== undefined) done?.(answer)
  }

  #fail(cause: Error): void {
    const failed = this.#failed
    this.#done = undefined
    this.#failed = undefined
    this.close()
    failed?.(cause)
  }
}

/** One event of an SSE stream. */
export interface Event {
  readonly name: string
  readonly data: string
}

/** Takes the head and the chunked framing off an HTTP answer, and cuts it into events. */
export class Events {
  #raw = ''
  #text = ''
  #chunked: boolean | undefined

  /** @returns the events that are complete with this chunk. */
  take(chunk: string): Event[] {
    this.#raw += chunk
    if (this.#chunked === undefined) {
      const end = this.#raw.indexOf(HEAD_END)
      if (end < 0) return []
      this.#chunked = /^transfer-encoding: *chunked/im.test(this.#raw.slice(0, end))
      this.#raw = this.#raw.slice(end + HEAD_END.length)
    }
    if (this.#chunked) this.#unframe()
    else {
      this.#text += this.#raw
      this.#raw = ''
    }
    const parts = this.#text.replaceAll('\r\n', '\n').split(EVENT_END)
    this.#text = parts.pop() as string
    return parts.map(parse)
  }

  #unframe(): void {
    while (true) {
      const lineEnd = this.#raw.indexOf(LINE_END)
      if (lineEnd < 0) return
      const size = Number.parseInt(this.#raw.slice(0, lineEnd), 16)
      const start = lineEnd + LINE_END.length
      if (this.#raw.length < start + size + LINE_END.length) return
      this.#text += this.#raw.slice(start, start + size)
      this.#raw = this.#raw.slice(start + size + LINE_END.length)
    }
  }
}

function parse(text: string): Event {
  let name = 'message'
  const data: string[] = []
  for (const line of text.split('\n')) {
    if (line.startsWith('event:')) name = line.slice('event:'.length).trim()
    else if (line.startsWith('data:')) data.push(line.slice('data:'.length).trimStart())
  }
  return { name, data: data.join('\n') }
}
