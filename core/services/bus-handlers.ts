import { type Maybe, ServiceError, type Stream } from '../../sdk/index.ts'
import { messageOf } from '../hooks/errors.ts'
import { hear } from '../hooks/hooks.ts'

/** What `Bus.answer` takes. */
export type Answerer = (message: unknown) => Maybe<unknown>
/** What `Bus.serve` takes. */
export type StreamServer = (message: unknown, stream: Stream) => Maybe<unknown>

/** Who listens, answers and serves in this process, by topic. Messages come and go as JSON text. */
export class BusHandlers {
  readonly #replica: string
  readonly #fault: (cause: unknown, topic: string) => void
  readonly #listeners = new Map<string, Set<{ hear(message: unknown): void }>>()
  readonly #answerers = new Map<string, Answerer>()
  readonly #servers = new Map<string, StreamServer>()

  /** @param fault told of what a listener throws */
  constructor(replica: string, fault: (cause: unknown, topic: string) => void) {
    this.#replica = replica
    this.#fault = fault
  }

  subscribe(topic: string, listener: (message: unknown) => void): () => void {
    const one = { hear: listener }
    const all = this.#listeners.get(topic) ?? new Set()
    this.#listeners.set(topic, all.add(one))
    return () => {
      if (all.delete(one) && all.size === 0 && this.#listeners.get(topic) === all) {
        this.#listeners.delete(topic)
      }
    }
  }

  answer(topic: string, handler: Answerer): () => void {
    return put(this.#answerers, topic, handler)
  }

  serve(topic: string, handler: StreamServer): () => void {
    return put(this.#servers, topic, handler)
  }

  /** Tells every listener of a topic, each its own copy. Never throws. */
  heard(topic: string, text: string): void {
    for (const { hear: listen } of [...(this.#listeners.get(topic) ?? [])]) {
      this.attempt(topic, () =>
        hear(listen(JSON.parse(text)), (cause) => this.#fault(cause, topic)),
      )
    }
  }

  /** Runs what a listener does with a message; what it throws is told. */
  attempt(topic: string, run: () => void): void {
    try {
      run()
    } catch (cause) {
      this.#fault(cause, topic)
    }
  }

  /** Has a request answered. @returns the answer as JSON; `undefined` = it is `undefined` */
  async asked(topic: string, text: string): Promise<string | undefined> {
    const handler = this.#answerers.get(topic)
    if (handler === undefined) throw this.#noAnswer(topic)
    return answered(topic, () => handler(JSON.parse(text)))
  }

  /**
   * Has a stream served.
   * @param say told of every message before the outcome, as JSON, in order
   * @returns the outcome as JSON; `undefined` = it is `undefined`
   */
  async streamed(
    topic: string,
    text: string,
    signal: AbortSignal,
    say: (text: string) => void,
  ): Promise<string | undefined> {
    const handler = this.#servers.get(topic)
    if (handler === undefined) throw this.#noAnswer(topic)
    let open = true
    const send = (message: unknown) => {
      if (open) say(textOf(message))
    }
    try {
      return await answered(topic, () => handler(JSON.parse(text), { send, signal }))
    } finally {
      open = false
    }
  }

  #noAnswer(topic: string): ServiceError {
    return new ServiceError(
      'NO_ANSWER',
      `the replica ${this.#replica} does not answer ${topic}`,
      'Run the same plugins in the same versions on all replicas.',
    )
  }
}

/** What was said, back from its JSON. */
export function read(text: string | undefined): unknown {
  return text === undefined ? undefined : JSON.parse(text)
}

/** A request that took too long. */
export function lateAnswer(owner: string, topic: string, timeoutMs: number): ServiceError {
  const hint = 'Ask again later, or allow it more time.'
  return new ServiceError('TIMEOUT', `${owner} did not answer ${topic} in ${timeoutMs} ms`, hint)
}

/** @throws TypeError for what JSON cannot say */
export function textOf(message: unknown): string {
  const text = JSON.stringify(message)
  if (text === undefined) throw new TypeError('a message must be something JSON can say')
  return text
}

function put<H>(handlers: Map<string, H>, topic: string, handler: H): () => void {
  handlers.set(topic, handler)
  return () => {
    if (handlers.get(topic) === handler) handlers.delete(topic)
  }
}

/** What arrives at the other side of a handler: its JSON, or an error that says what it threw. */
async function answered(topic: string, run: () => Maybe<unknown>): Promise<string | undefined> {
  let reply: unknown
  try {
    reply = await run()
  } catch (cause) {
    const hint = 'See the log of the replica that was asked.'
    const message = `the handler of ${topic} failed: ${messageOf(cause)}`
    throw new ServiceError('ANSWER_FAILED', message, hint, { cause })
  }
  return reply === undefined ? undefined : textOf(reply)
}
