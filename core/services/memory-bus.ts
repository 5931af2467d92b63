import {
  type Bus,
  type Maybe,
  ServiceError,
  type Stream,
  type StreamOptions,
} from '../../sdk/index.ts'
import { messageOf } from '../hooks/errors.ts'
import { hear } from '../hooks/hooks.ts'
import type { Wheel } from '../hooks/wheel.ts'

type Answerer = (message: unknown) => Maybe<unknown>
type Server = (message: unknown, stream: Stream) => Maybe<unknown>

/** `Bus` of a gateway that has no other replicas: everything it says, it says to itself. */
export class MemoryBus implements Bus {
  readonly replica: string
  readonly #wheel: Wheel
  readonly #fault: (cause: unknown, topic: string) => void
  readonly #listeners = new Map<string, Set<{ hear(message: unknown): void }>>()
  readonly #answerers = new Map<string, Answerer>()
  readonly #servers = new Map<string, Server>()

  /** @param fault told of what a listener throws */
  constructor(replica: string, wheel: Wheel, fault: (cause: unknown, topic: string) => void) {
    this.replica = replica
    this.#wheel = wheel
    this.#fault = fault
  }

  publish(topic: string, message: unknown): void {
    const text = textOf(message)
    // Later, as over a network: nobody may count on being told before `publish` returns.
    queueMicrotask(() => {
      for (const { hear: listen } of [...(this.#listeners.get(topic) ?? [])]) {
        try {
          hear(listen(JSON.parse(text)), (cause) => this.#fault(cause, topic))
        } catch (cause) {
          this.#fault(cause, topic)
        }
      }
    })
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

  async request(
    owner: string,
    topic: string,
    message: unknown,
    { timeoutMs }: { readonly timeoutMs: number },
  ): Promise<unknown> {
    const text = textOf(message)
    this.#check(owner)
    await undefined
    const handler = this.#answerers.get(topic)
    if (handler === undefined) throw noAnswer(owner, topic)
    const reply = answered(topic, () => handler(JSON.parse(text)))
    return this.#wheel.limit(reply, timeoutMs, () => {
      const hint = 'Ask again later, or allow it more time.'
      return new ServiceError(
        'TIMEOUT',
        `${owner} did not answer ${topic} in ${timeoutMs} ms`,
        hint,
      )
    })
  }

  answer(topic: string, handler: Answerer): () => void {
    return put(this.#answerers, topic, handler)
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
    const handler = this.#servers.get(topic)
    if (handler === undefined) throw noAnswer(owner, topic)
    const abort = new AbortController()
    // Messages and the outcome leave by one queue, so that none overtakes another.
    let tail: Promise<void> = Promise.resolve()
    let open = true
    const send = (one: unknown) => {
      if (!open) return
      const sent = textOf(one)
      tail = tail.then(() => {
        if (abort.signal.aborted) return
        try {
          onMessage(JSON.parse(sent))
        } catch (cause) {
          this.#fault(cause, topic)
        }
      })
    }
    const served = answered(topic, () =>
      handler(JSON.parse(text), { send, signal: abort.signal }),
    ).finally(() => {
      open = false
      return tail
    })
    return signal === undefined ? served : untilAborted(served, signal, abort)
  }

  serve(topic: string, handler: Server): () => void {
    return put(this.#servers, topic, handler)
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

function put<H>(handlers: Map<string, H>, topic: string, handler: H): () => void {
  handlers.set(topic, handler)
  return () => {
    if (handlers.get(topic) === handler) handlers.delete(topic)
  }
}

/** What arrives at the other side of a handler: its JSON, or an error that says what it threw. */
async function answered(topic: string, run: () => Maybe<unknown>): Promise<unknown> {
  let reply: unknown
  try {
    reply = await run()
  } catch (cause) {
    const hint = 'See the log of the replica that was asked.'
    const message = `the handler of ${topic} failed: ${messageOf(cause)}`
    throw new ServiceError('ANSWER_FAILED', message, hint, { cause })
  }
  return reply === undefined ? undefined : JSON.parse(textOf(reply))
}

function untilAborted(
  served: Promise<unknown>,
  signal: AbortSignal,
  abort: AbortController,
): Promise<unknown> {
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

function noAnswer(owner: string, topic: string): ServiceError {
  return new ServiceError(
    'NO_ANSWER',
    `the replica ${owner} does not answer ${topic}`,
    'Run the same plugins in the same versions on all replicas.',
  )
}

/** @throws TypeError for what JSON cannot say */
function textOf(message: unknown): string {
  const text = JSON.stringify(message)
  if (text === undefined) throw new TypeError('a message must be something JSON can say')
  return text
}
