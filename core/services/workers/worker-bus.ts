import type { Bus, StreamOptions } from '../../../sdk/index.ts'
import type { Wheel } from '../../hooks/wheel.ts'
import { type Answerer, lateAnswer, read, type StreamServer, textOf } from '../bus-handlers.ts'
import { MemoryBus } from '../memory-bus.ts'
import { sentError } from './frames.ts'
import type { WorkerLink } from './worker-link.ts'

/** What a worker that hangs up is told, as the reason of an abort. */
const NOBODY = 'nobody waits for the outcome'

/** `Bus` in a worker: the primary takes messages to the other workers. What it says to itself stays here. */
export class WorkerBus implements Bus {
  readonly replica: string
  readonly #local: MemoryBus
  readonly #link: WorkerLink
  readonly #wheel: Wheel
  /** Streams that others asked for, by the primary's number. */
  readonly #serving = new Map<number, AbortController>()

  constructor(
    replica: string,
    link: WorkerLink,
    wheel: Wheel,
    fault: (cause: unknown, topic: string) => void,
  ) {
    this.replica = replica
    this.#local = new MemoryBus(replica, wheel, fault)
    this.#link = link
    this.#wheel = wheel
    link.serve({
      heard: (topic, text) => this.#local.handlers.heard(topic, text),
      serve: (id, topic, text, stream) => void this.#serve(id, topic, text, stream),
      drop: (id) => this.#serving.get(id)?.abort(new Error(NOBODY)),
    })
  }

  publish(topic: string, message: unknown): void {
    const text = textOf(message)
    // Later, as at the others.
    queueMicrotask(() => this.#local.handlers.heard(topic, text))
    this.#link.send({ kind: 'publish', topic, text })
  }

  subscribe(topic: string, listener: (message: unknown) => void): () => void {
    return this.#local.subscribe(topic, listener)
  }

  async request(
    owner: string,
    topic: string,
    message: unknown,
    options: { readonly timeoutMs: number },
  ): Promise<unknown> {
    if (owner === this.replica) return this.#local.request(owner, topic, message, options)
    const { timeoutMs } = options
    const text = textOf(message)
    let id = -1
    const reply = new Promise<unknown>((done, failed) => {
      id = this.#link.ask({ done, failed }, (id) => ask(id, owner, topic, text, false))
    })
    try {
      const late = () => lateAnswer(owner, topic, timeoutMs)
      return read((await this.#wheel.limit(reply, timeoutMs, late)) as string | undefined)
    } finally {
      this.#link.drop(id)
    }
  }

  answer(topic: string, handler: Answerer): () => void {
    return this.#local.answer(topic, handler)
  }

  async stream(
    owner: string,
    topic: string,
    message: unknown,
    options: StreamOptions,
  ): Promise<unknown> {
    if (owner === this.replica) return this.#local.stream(owner, topic, message, options)
    const { signal, onMessage } = options
    const text = textOf(message)
    signal?.throwIfAborted()
    let id = -1
    let onAbort = () => {}
    try {
      const outcome = await new Promise<unknown>((done, failed) => {
        const said = (text: string) =>
          this.#local.handlers.attempt(topic, () => onMessage(JSON.parse(text)))
        id = this.#link.ask({ done, failed, said }, (id) => ask(id, owner, topic, text, true))
        onAbort = () => failed(signal?.reason)
        signal?.addEventListener('abort', onAbort)
      })
      return read(outcome as string | undefined)
    } finally {
      signal?.removeEventListener('abort', onAbort)
      this.#link.drop(id)
    }
  }

  serve(topic: string, handler: StreamServer): () => void {
    return this.#local.serve(topic, handler)
  }

  async #serve(id: number, topic: string, text: string, stream: boolean): Promise<void> {
    const { handlers } = this.#local
    try {
      const value = await (stream ? this.#stream(id, topic, text) : handlers.asked(topic, text))
      this.#link.send({ kind: 'answer', id, value })
    } catch (cause) {
      this.#link.send({ kind: 'failed', id, error: sentError(cause) })
    }
  }

  async #stream(id: number, topic: string, text: string): Promise<string | undefined> {
    const abort = new AbortController()
    this.#serving.set(id, abort)
    const say = (text: string) => {
      if (!abort.signal.aborted) this.#link.send({ kind: 'said', id, text })
    }
    try {
      return await this.#local.handlers.streamed(topic, text, abort.signal, say)
    } finally {
      this.#serving.delete(id)
    }
  }
}

function ask(id: number, owner: string, topic: string, text: string, stream: boolean) {
  return { kind: 'ask', id, owner, topic, text, stream } as const
}
