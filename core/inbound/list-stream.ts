import type { Caller } from '../../sdk/index.ts'
import type { ShownList } from '../catalog/lists.ts'
import type { Alarm, Wheel } from '../hooks/wheel.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { ListWatcher } from '../kernel/ports.ts'
import type { UpdateReader } from '../kernel/subscriptions.ts'
import type { Outlet } from './arrival.ts'
import type { Updates } from './session-subscriptions.ts'

const KEEP_ALIVE = 15_000

/** What is told of together: resources and their templates are one group. */
export type ListGroup = 'tools' | 'prompts' | 'resources'

/** Every group, in the order of capabilities. */
export const LIST_GROUPS: readonly ListGroup[] = ['tools', 'prompts', 'resources']

/** What a stream says, each as the text of a JSON-RPC message. */
export interface StreamWords {
  /** First, when there is anything to say first. */
  readonly opened?: string
  changed(group: ListGroup): string
  /** A resource may have changed. @param text of the notification, as it is where the era has nothing to add */
  updated(text: string): string
  /** Last, when the gateway ends the stream deliberately. */
  readonly ended?: string
}

/** Whom a stream serves, and with what. */
export interface StreamParts {
  readonly outlet: Outlet
  readonly kernel: Kernel
  readonly wheel: Wheel
  readonly caller: Caller
  /** Milliseconds until the caller's credentials end. */
  readonly lifetime: number
  readonly words: StreamWords
  /** The nonce of the legacy session it belongs to. */
  readonly session?: string | undefined
  /** Asked with every sign of life: a stream of what is over ends. */
  readonly alive?: (() => boolean) | undefined
  /** What the caller wants to be told of. */
  readonly wanted: readonly ListGroup[]
  /** What it tells of single resources. */
  readonly updates?: Updates | undefined
  /** Called once, however the stream ends. */
  readonly closed: (stream: ListStream) => void
}

/** An open stream that tells one caller when one of its lists has really changed, or a resource it subscribed to. */
export class ListStream implements ListWatcher, UpdateReader, Alarm {
  caller: Caller
  deadline: number
  slot = -1
  readonly #parts: StreamParts
  #expires: number
  readonly #unwatch: () => void
  /** The lists as the caller could have read them last, in the order of what it wants. */
  #known: readonly string[] = []
  /** Looks are counted: a slow one must not overwrite what a later one saw. */
  #looks = 0
  #over = false

  constructor(parts: StreamParts) {
    const { outlet, wheel, words } = parts
    this.caller = parts.caller
    this.#parts = parts
    this.#expires = wheel.now() + parts.lifetime
    this.deadline = this.#next()
    if (words.opened !== undefined) outlet.send(words.opened)
    outlet.closed(() => this.#close())
    const watched = parts.wanted.length > 0
    this.#unwatch = watched ? parts.kernel.watch(this) : () => {}
    wheel.add(this)
    if (watched) void this.#look(false)
    const { updates } = parts
    if (updates === undefined) return
    outlet.drained(() => updates.resume())
    updates.attach(this)
  }

  get keepsUp(): boolean {
    return this.#parts.outlet.keepsUp
  }

  updated(text: string): void {
    if (!this.#over) this.#parts.outlet.send(this.#parts.words.updated(text))
  }

  /** The nonce of the legacy session it belongs to. */
  get session(): string | undefined {
    return this.#parts.session
  }

  /** Its client came back with credentials that may be newer, and may see other lists by now. */
  renew(caller: Caller, lifetime: number): void {
    this.caller = caller
    this.#expires = this.#parts.wheel.now() + lifetime
    void this.#look(true)
    this.#parts.updates?.attach(this)
  }

  listsMayHaveChanged(): void {
    void this.#look(true)
  }

  ring(): void {
    if (this.#over) return
    // Whoever may no longer call may no longer listen.
    if (this.#parts.wheel.now() >= this.#expires) return void this.end()
    if (this.#parts.alive?.() === false) return void this.end()
    this.#parts.outlet.beat()
    // What a filter said until some time may be over: nobody tells of that.
    if (this.#parts.wanted.length > 0) void this.#look(true)
    this.deadline = this.#next()
    this.#parts.wheel.add(this)
  }

  /** Ends it from our side. Resolves when its last word has left. */
  async end(): Promise<void> {
    if (this.#over) return
    const { outlet, words } = this.#parts
    if (words.ended !== undefined) outlet.send(words.ended)
    this.#close()
    await outlet.end()
  }

  /** Reads the lists and tells the caller which differ; one that cannot be made reads as empty. */
  async #look(tell: boolean): Promise<void> {
    const turn = ++this.#looks
    const { kernel, wanted, words, outlet } = this.#parts
    let texts = wanted.map(() => '')
    try {
      const shown = await kernel.list(this.caller)
      texts = wanted.map((group) => textOf(shown, group))
    } catch {
      // The kernel has told the log; the caller learns it when it lists.
    }
    if (this.#over || turn !== this.#looks) return
    const before = this.#known
    this.#known = texts
    if (!tell) return
    for (const [i, group] of wanted.entries()) {
      if (texts[i] !== before[i]) outlet.send(words.changed(group))
    }
  }

  #next(): number {
    return Math.min(this.#parts.wheel.now() + KEEP_ALIVE, this.#expires)
  }

  #close(): void {
    if (this.#over) return
    this.#over = true
    this.#unwatch()
    this.#parts.updates?.detach(this)
    this.#parts.wheel.remove(this)
    this.#parts.closed(this)
  }
}

function textOf({ tool, prompt, resource, template }: ShownList, group: ListGroup): string {
  if (group === 'tools') return tool.text
  return group === 'prompts' ? prompt.text : resource.text + template.text
}
