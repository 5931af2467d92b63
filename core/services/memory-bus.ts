import { type Bus, ServiceError, type StreamOptions } from '../../sdk/index.ts'
import type { Wheel } from '../hooks/wheel.ts'
import {
  type Answerer,
  BusHandlers,
  lateAnswer,
  read,
  type StreamServer,
  textOf,
} from './bus-handlers.ts'

/** `Bus` of a gateway that has no other replicas: everything it says, it says to itself. */
export class MemoryBus implements Bus {
  readonly replica: string
  /** Who listens and answers here, also for what comes from elsewhere. */
  readonly handlers: BusHandlers
  readonly #wheel: Wheel

  /** @param fault told of what a listener throws */
  constructor(replica: string, wheel: Wheel, fault: (cause: unknown, topic: string) => void) {
    this.replica = replica
    this.handlers = new BusHandlers(replica, fault)
    this.#wheel = wheel
  }

  publish(topic: string, message: unknown): void {
    const text = textOf(message)
    // Later, as over a network: nobody may count on being told before `publish` returns.
    queueMicrotask(() => this.handlers.heard(topic, text))
  }

  subscribe(topic: string, listener: (message: unknown) => void): () => void {
    return this.handlers.subscribe(topic, listener)
  }

  async request(
    owner: string,
    topic: string,
    message: unknown,
    { timeoutMs }: { readonly timeoutMs: number },
  ): Promise<unknown> {
    const text = textOf(message)
    this.#check(owner)
    await undefined
    const reply = this.handlers.asked(topic, text)
    return read(
      await this.#wheel.limit(reply, timeoutMs, () => lateAnswer(owner, topic, timeoutMs)),
    )
  }

  answer(topic: string, handler: Answerer): () => void {
    return this.handlers.answer(topic, handler)
  }

  async stream(
    owner: string,
    topic: string,
    message: unknown,
    { signal, onMessage }: StreamOptions,
  ): Promise<unknown> {
    const text = textOf(message)
    this.#check(owner)
    signal?.throwIfAborted()
    await undefined
    const abort = new AbortController()
    // Messages and the outcome leave by one queue, so that none overtakes another.
    let tail: Promise<void> = Promise.resolve()
    const say = (sent: string) => {
      tail = tail.then(() => {
        if (abort.signal.aborted) return
        this.handlers.attempt(topic, () => onMessage(JSON.parse(sent)))
      })
    }
    const served = this.handlers.streamed(topic, text, abort.signal, say).finally(() => tail)
    const outcome = signal === undefined ? served : untilAborted(served, signal, abort)
    return read(await outcome)
  }

  serve(topic: string, handler: StreamServer): () => void {
    return this.handlers.serve(topic, handler)
  }

  #check(owner: string): void {
    if (owner === this.replica) return
    throw new ServiceError(
      'NO_REPLICA',
      `there is no replica ${owner}: this gateway has no bus but its own memory`,
      'Enable a plugin that provides `Bus` on all replicas, or run one.',
    )
  }
}

function untilAborted<T>(
  served: Promise<T>,
  signal: AbortSignal,
  abort: AbortController,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      abort.abort(signal.reason)
      reject(signal.reason)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    served.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
