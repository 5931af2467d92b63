import type { ServerResponse } from 'node:http'
import type { Caller } from '../../sdk/index.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { ListWatcher } from '../kernel/ports.ts'
import type { Alarm, Wheel } from '../kernel/wheel.ts'
import { keepsUp, sseEvent, startStream } from './exchange.ts'

const KEEP_ALIVE = 15_000

/** What a stream says, each as the text of a JSON-RPC message. */
export interface StreamWords {
  /** First, when there is anything to say first. */
  readonly opened?: string
  readonly changed: string
  /** Last, when the gateway ends the stream deliberately. */
  readonly ended?: string
}

/** Whom a stream serves, and with what. */
export interface StreamParts {
  readonly response: ServerResponse
  /** Sent with the answer, flat. */
  readonly headers: readonly string[]
  readonly kernel: Kernel
  readonly wheel: Wheel
  readonly caller: Caller
  /** Milliseconds until the caller's credentials end. */
  readonly lifetime: number
  readonly words: StreamWords
  /** The legacy session it belongs to. */
  readonly session?: string
  /** Whether the caller asked to be told of changes. */
  readonly wanted: boolean
  /** Called once, however the stream ends. */
  readonly closed: (stream: ListStream) => void
}

/** An open stream that tells one caller when its list of tools has really changed. */
export class ListStream implements ListWatcher, Alarm {
  readonly caller: Caller
  deadline: number
  slot = -1
  readonly #parts: StreamParts
  readonly #expires: number
  readonly #unwatch: () => void
  /** The list as the caller could have read it last. */
  #known: string | undefined
  /** Looks are counted: a slow one must not overwrite what a later one saw. */
  #looks = 0
  #over = false

  constructor(parts: StreamParts) {
    const { response, wheel, words } = parts
    this.caller = parts.caller
    this.#parts = parts
    this.#expires = wheel.now() + parts.lifetime
    this.deadline = this.#next()
    startStream(response, parts.headers)
    if (words.opened !== undefined) response.write(sseEvent(words.opened))
    response.on('close', () => this.#close())
    this.#unwatch = parts.wanted ? parts.kernel.watch(this) : () => {}
    wheel.add(this)
    if (parts.wanted) void this.#look(false)
  }

  /** The legacy session it belongs to. */
  get session(): string | undefined {
    return this.#parts.session
  }

  listsMayHaveChanged(): void {
    void this.#look(true)
  }

  ring(): void {
    if (this.#over) return
    // Whoever may no longer call may no longer listen.
    if (this.#parts.wheel.now() >= this.#expires) return void this.end()
    const { response } = this.#parts
    if (keepsUp(response)) response.write(': keep-alive\n\n')
    this.deadline = this.#next()
    this.#parts.wheel.add(this)
  }

  /** Ends it from our side. Resolves when its last word has left. */
  async end(): Promise<void> {
    if (this.#over) return
    const { response, words } = this.#parts
    if (words.ended !== undefined) response.write(sseEvent(words.ended))
    this.#close()
    await new Promise<void>((resolve) => {
      response.on('close', resolve)
      response.end()
    })
  }

  /** Reads the list and tells the caller if it differs; a list that cannot be made reads as empty. */
  async #look(tell: boolean): Promise<void> {
    const turn = ++this.#looks
    let text = ''
    try {
      text = (await this.#parts.kernel.list(this.caller)).text
    } catch {
      // The kernel has told the log; the caller learns it when it lists.
    }
    if (this.#over || turn !== this.#looks || text === this.#known) return
    this.#known = text
    if (tell) this.#parts.response.write(sseEvent(this.#parts.words.changed))
  }

  #next(): number {
    return Math.min(this.#parts.wheel.now() + KEEP_ALIVE, this.#expires)
  }

  #close(): void {
    if (this.#over) return
    this.#over = true
    this.#unwatch()
    this.#parts.wheel.remove(this)
    this.#parts.closed(this)
  }
}
