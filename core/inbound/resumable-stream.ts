import { randomBytes } from 'node:crypto'
import type { Alarm } from '../hooks/wheel.ts'
import type { Outlet } from './arrival.ts'
import type { Session } from './session.ts'
import { keepsUp, type SseSink, sseEvent, startStream } from './sse.ts'

/** Events of one stream; the oldest are forgotten first. */
const MOST_EVENTS = 256
/** Characters of one stream before its last event. */
const MOST_CHARACTERS = 1024 * 1024
/** What a stream counts besides its events, in characters. */
const OVERHEAD = 1024
/** The first revision whose clients understand an event without data. */
const PRIMED_SINCE = '2025-11-25'
/** What clients are told to wait before they come back, in milliseconds. */
const RETRY = 1_000

/** Who remembers streams. */
export interface StreamKeeper {
  /** It holds more, or less, than before. */
  grown(stream: ResumableStream): void
  /** Its client went away. */
  left(stream: ResumableStream): void
  /** Its last event was given. */
  over(stream: ResumableStream): void
  /** Nobody can come back to it from now on. Idempotent. */
  drop(stream: ResumableStream): void
}

/**
 * An SSE stream of a session whose client may lose it and come back for the rest (Streamable HTTP,
 * resumability and redelivery): every event has an id and is remembered for a while.
 */
export class ResumableStream implements Outlet, Alarm {
  readonly session: Session
  /** Whether it answers a call: then it is kept as long as the call runs. Otherwise it tells of changes. */
  readonly answers: boolean
  /** Unguessable: the first part of its events' ids. */
  readonly key: string
  deadline = 0
  slot = -1
  /** What its events and itself count, in characters. */
  size = OVERHEAD
  /** What of it is in the sum of all. */
  counted = 0
  /** Whether it counts among the streams without a client. */
  lost = false
  /** Its last event was sent. */
  ended = false
  /** Nobody can come back to it. */
  dropped = false
  readonly #streams: StreamKeeper
  #events: string[] = []
  /** The number of the first event that is remembered. */
  #first = 1
  #response: SseSink | undefined
  #told: (() => void)[] = []
  #drained: () => void = () => {}

  /** @param owner how its key begins */
  constructor(streams: StreamKeeper, session: Session, answers: boolean, owner: string) {
    this.key = owner + randomBytes(12).toString('base64url')
    this.#streams = streams
    this.session = session
    this.answers = answers
  }

  /** Whether anybody reads it, or may come back to. */
  get open(): boolean {
    return !this.ended && (this.#response !== undefined || !this.dropped)
  }

  /** Connects a client that came, or came back. @param after the number of the event it has seen last */
  connect(response: SseSink, headers: readonly string[], after: number | undefined): void {
    const before = this.#response
    this.#response = response
    before?.end()
    startStream(response, headers)
    response.on('close', () => this.#left(response))
    response.on('drain', () => this.#drained())
    if (after === undefined) {
      if (this.session.client.protocolVersion >= PRIMED_SINCE) {
        const event = `id: ${this.key}-${this.#first++}\nretry: ${RETRY}\ndata:\n\n`
        response.write(event)
      }
    } else {
      for (const event of this.#events.slice(Math.max(0, after + 1 - this.#first))) {
        response.write(event)
      }
    }
    if (this.ended) response.end()
    else this.#drained()
  }

  /** While its client is away it takes nothing more of what can be told later. */
  get keepsUp(): boolean {
    return this.#response !== undefined && keepsUp(this.#response)
  }

  drained(told: () => void): void {
    this.#drained = told
  }

  /** Sends a message, however slowly the client reads. */
  send(json: string): void {
    this.#send(json, true)
  }

  /** Sends a message that a client which reads slowly can do without. */
  offer(json: string): void {
    this.#send(json, false)
  }

  #send(json: string, always: boolean): void {
    if (this.ended) return
    const event = this.#keep(json)
    while (
      this.#events.length > MOST_EVENTS ||
      (this.size > MOST_CHARACTERS && this.#events.length > 1)
    ) {
      this.size -= (this.#events.shift() as string).length
      this.#first++
    }
    const response = this.#response
    if (response !== undefined && (always || keepsUp(response))) response.write(event)
    this.#streams.grown(this)
  }

  /** Shows whatever stands between that the stream is alive. */
  beat(): void {
    if (this.#response !== undefined && keepsUp(this.#response)) {
      this.#response.write(': keep-alive\n\n')
    }
  }

  /** The last event, if there is one more. What a client that is gone has missed it can still come for. */
  finish(json?: string): void {
    if (this.ended) return
    const event = json === undefined ? '' : this.#keep(json)
    this.ended = true
    this.#response?.end(event)
    this.#streams.over(this)
  }

  /** Ends it for good. Resolves when what was written has left. */
  end(): Promise<void> {
    const response = this.#response
    this.ended = true
    this.#streams.drop(this)
    if (response === undefined || response.closed) return Promise.resolve()
    return new Promise((resolve) => {
      response.on('close', resolve)
      response.end()
    })
  }

  /** Calls back once when nobody can hear of it any more. */
  closed(told: () => void): void {
    this.#told.push(told)
  }

  ring(): void {
    this.#streams.drop(this)
  }

  /** Forgets what it held. Called once. */
  forget(): void {
    this.dropped = true
    this.#first += this.#events.length
    this.#events = []
    this.size = 0
    // Whoever still reads it has come back to something that is no longer there.
    if (this.ended) this.#response?.end()
    if (this.#response === undefined || this.ended) this.#tell()
  }

  #tell(): void {
    for (const told of this.#told.splice(0)) told()
  }

  #keep(json: string): string {
    const event = `id: ${this.key}-${this.#first + this.#events.length}\n${sseEvent(json)}`
    if (this.dropped) {
      this.#first++
      return event
    }
    this.#events.push(event)
    this.size += event.length
    return event
  }

  #left(response: SseSink): void {
    if (this.#response !== response) return
    this.#response = undefined
    if (this.dropped) this.#tell()
    else this.#streams.left(this)
  }
}
