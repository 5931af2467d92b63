import type { Wheel } from '../hooks/wheel.ts'
import type { Implementation } from '../wire/protocol.ts'
import { discovered, discoverRequest, initialized, initializeRequest } from './handshake.ts'
import {
  ConnectError,
  type Link,
  type Lost,
  type Message,
  type Outgoing,
  type ServerFacts,
  type Ticket,
  type Waiter,
} from './link.ts'
import { listenParams, tellsOfLists } from './listening.ts'
import {
  broken,
  envelope,
  isResponse,
  readMessage,
  refusal,
  writeNotification,
  writeRequest,
} from './message.ts'
import type { UpstreamConfig } from './settings.ts'
import { StdioProcess } from './stdio-process.ts'

/** How long a modern answer is waited for before the old handshake is tried too. */
const PROBE = 3_000
/** Cancelled calls that are told apart; with more, whose a log message is stays unknown. */
const MOST_STRAYS = 1_000

/** A stdio server, in either era: one pipe, shared by all its calls. */
export class StdioLink implements Link {
  facts: ServerFacts = { era: 'legacy', protocolVersion: '', capabilities: {}, instructions: '' }
  onEnd: (why: Lost) => void = () => {}
  readonly #process: StdioProcess
  readonly #waiting = new Map<number, Waiter>()
  /** Cancelled calls that the server has not answered: it may still be at them. */
  readonly #strays = new Set<number>()
  readonly #us: Implementation
  #envelope = ''
  #nextId = 1
  #changed: (() => void) | undefined
  /** The id of a modern server's listen request, which is no call. */
  #listening: number | undefined
  #retired = false
  #closing = false

  /** @param stderr told every line the server writes there */
  constructor(
    config: UpstreamConfig,
    us: Implementation,
    wheel: Wheel,
    stderr: (line: string) => void,
  ) {
    this.#us = us
    this.#process = new StdioProcess(config, wheel, {
      frame: (line) => this.#frame(line),
      stderr,
      exited: (reason) =>
        this.#end({ message: `the server ${reason}`, executed: 'unknown', unreachable: true }),
    })
  }

  get open(): number {
    return this.#waiting.size - (this.#listening === undefined ? 0 : 1)
  }

  get stderr(): readonly string[] {
    return this.#process.stderr
  }

  /**
   * Finds out the era and shakes hands where there is a handshake.
   * @param skipProbe the server is known to be legacy
   * @throws ConnectError
   */
  async connect(skipProbe: boolean, wheel: Wheel, signal: AbortSignal): Promise<void> {
    this.facts = await new Promise<ServerFacts>((resolve, reject) => {
      let asked = false
      const shakeHands = () => {
        if (asked) return
        asked = true
        this.send(initializeRequest(this.#us), {
          answered: (message) => {
            try {
              resolve(initialized(message))
            } catch (error) {
              reject(error)
            }
          },
          notified() {},
          lost: (why) => reject(new ConnectError(why.message)),
        })
      }
      const stop = () => reject(new ConnectError('did not answer in time'))
      if (signal.aborted) return stop()
      signal.addEventListener('abort', stop, { once: true })
      if (skipProbe) return shakeHands()
      const late = wheel.after(PROBE, shakeHands)
      this.send(discoverRequest(this.#us), {
        answered: (message) => {
          wheel.remove(late)
          const facts = discovered(message)
          if (facts === undefined) shakeHands()
          else resolve(facts)
        },
        notified() {},
        lost: (why) => {
          wheel.remove(late)
          reject(new ConnectError(why.message))
        },
      })
    })
    if (this.facts.era === 'modern') this.#envelope = envelope(this.#us)
    else this.#process.write(writeNotification('notifications/initialized'))
  }

  send(request: Outgoing, waiter: Waiter): Ticket {
    const id = this.#nextId++
    if (this.#closing) {
      waiter.lost({ message: 'the server is not running', executed: false, unreachable: true })
    } else {
      this.#waiting.set(id, waiter)
      // Line breaks are white space in JSON: a client's own formatting must not end the frame.
      this.#process.write(writeRequest(id, request, this.#envelope).replace(/[\r\n]/g, ' '))
    }
    return {
      cancel: (reason) => {
        if (!this.#waiting.delete(id)) return
        if (this.#strays.size < MOST_STRAYS) this.#strays.add(id)
        this.#process.write(writeNotification('notifications/cancelled', { requestId: id, reason }))
        this.#finished()
      },
    }
  }

  listen(changed: () => void): void {
    this.#changed = changed
    const params = listenParams(this.facts)
    if (this.facts.era !== 'modern' || params === undefined || this.#listening !== undefined) return
    const over = () => {
      this.#listening = undefined
    }
    const id = this.#nextId
    this.send(
      { method: 'subscriptions/listen', params, meta: '', progress: false },
      { answered: over, notified() {}, lost: over },
    )
    if (this.#waiting.has(id)) this.#listening = id
  }

  retire(): void {
    this.#retired = true
    this.#finished()
  }

  async close(): Promise<void> {
    this.onEnd = () => {}
    this.#closing = true
    this.#lose(broken('the gateway closed the connection'))
    await this.#process.stop()
  }

  /** A request is over: a retired link waits for nothing else. */
  #finished(): void {
    if (this.#retired && this.open === 0) void this.close()
  }

  #frame(line: string): void {
    const message = readMessage(line)
    // Servers that print to stdout by mistake are common; what is no message is passed over.
    if (message === undefined) return
    const { id } = message.value
    if (isResponse(message)) {
      const waiter = this.#waiting.get(id as number)
      this.#waiting.delete(id as number)
      if (this.#strays.size > 0 && this.#strays.size < MOST_STRAYS)
        this.#strays.delete(id as number)
      waiter?.answered(message)
      this.#finished()
    } else if (id === undefined) this.#notified(message)
    else this.#process.write(refusal(message))
  }

  #notified(message: Message): void {
    if (tellsOfLists(message.value.method)) {
      this.#changed?.()
      return
    }
    const isLog = message.value.method === 'notifications/message'
    if (isLog && this.open === 1 && this.#strays.size === 0) {
      // Whose it is can be known only while there is no other, not even one that was cancelled.
      for (const [id, waiter] of this.#waiting) if (id !== this.#listening) waiter.notified(message)
      return
    }
    const params = message.value.params as { progressToken?: unknown } | undefined
    this.#waiting.get(params?.progressToken as number)?.notified(message)
  }

  #end(why: Lost): void {
    this.#closing = true
    this.#lose(why)
    this.onEnd(why)
  }

  #lose(why: Lost): void {
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const waiter of waiting) waiter.lost(why)
  }
}
