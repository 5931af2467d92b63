import type { Maybe } from 'mcp-patchbay/sdk'
import { counts, type Override } from './override.ts'
import type { OverrideStore } from './override-store.ts'

/** Who is told of what. */
export interface OverrideEars {
  /** Other overrides count than before. */
  changed(): void
  /** One has ended, and this gateway took it away. */
  ended(override: Override): void
  /** They cannot be read any more: those known go on. Told once, until it works again. */
  failed(cause: unknown): void
  /** Tells other replicas to read them again. */
  tell(): Maybe<void>
}

/** The overrides as they are known here: a copy of what is stored. */
export class Overrides {
  readonly #store: OverrideStore
  readonly #ears: OverrideEars
  #known: readonly Override[] = []
  #failure: string | undefined
  /** One reading after the other, so that the newest is what stays. */
  #turn: Promise<void> = Promise.resolve()

  constructor(store: OverrideStore, ears: OverrideEars) {
    this.#store = store
    this.#ears = ears
  }

  /** Those known, ended ones included until they are taken away. */
  get known(): readonly Override[] {
    return this.#known
  }

  /** Why they could not be read the last time; `undefined` when they could. */
  get failure(): string | undefined {
    return this.#failure
  }

  /** Reads what is stored. */
  read(): Promise<void> {
    const turn = this.#turn.then(async () => {
      const before = JSON.stringify(this.#known)
      this.#known = await this.#store.all()
      this.#failure = undefined
      if (JSON.stringify(this.#known) !== before) this.#ears.changed()
    })
    this.#turn = turn.catch(() => {})
    return turn
  }

  /** Reads again where nobody waits for it: a failure is told, and leaves what is known. */
  async refresh(): Promise<void> {
    try {
      await this.read()
    } catch (cause) {
      this.#fail(cause)
    }
  }

  /** Stores one, in the place of what was there for its tool. It counts here once the promise resolves. */
  async put(override: Override): Promise<void> {
    await this.#store.put(override)
    await this.read()
    await this.#ears.tell()
  }

  /** Takes one away. @returns what it was; `undefined` when there was none */
  async remove(tool: string): Promise<Override | undefined> {
    await this.read()
    const found = this.#known.find((one) => one.tool === tool)
    if (found === undefined) return undefined
    const removed = await this.#store.remove(found)
    await this.read()
    await this.#ears.tell()
    return removed ? found : undefined
  }

  /** Takes away what has ended. */
  async sweep(now: number): Promise<void> {
    const ended = this.#known.filter((one) => !counts(one, now))
    if (ended.length === 0) return
    try {
      for (const one of ended) if (await this.#store.remove(one)) this.#ears.ended(one)
      await this.read()
    } catch (cause) {
      this.#fail(cause)
    }
  }

  #fail(cause: unknown): void {
    const isNew = this.#failure === undefined
    this.#failure = cause instanceof Error ? cause.message : String(cause)
    if (isNew) this.#ears.failed(cause)
  }
}
