import type { Health } from '../../sdk/index.ts'

/** Milliseconds. Whoever asks more often is told what was found last. */
const KEPT = 1_000

/** What readiness is made of. */
export interface ReadinessParts {
  /** Asks every plugin. */
  readonly health: () => Promise<Record<string, Health>>
  /** Told when a plugin is no longer well, and when it is again. */
  readonly changed: (plugin: string, health: Health) => void
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/**
 * Whether each plugin is well, for whoever may ask: no details, and the plugins are asked once a second at
 * most. The details go to `changed`.
 */
export class Readiness {
  readonly #parts: ReadinessParts
  readonly #unwell = new Set<string>()
  #asked: Promise<Record<string, boolean>> | undefined
  #at = 0

  constructor(parts: ReadinessParts) {
    this.#parts = parts
  }

  /** Plugin ids → whether it is well. */
  plugins(): Promise<Record<string, boolean>> {
    const now = this.#parts.now()
    // A clock that was set back must not keep an answer for hours.
    if (this.#asked === undefined || now < this.#at || now - this.#at >= KEPT) {
      this.#at = now
      this.#asked = this.#ask()
    }
    return this.#asked
  }

  async #ask(): Promise<Record<string, boolean>> {
    const plugins: Record<string, boolean> = {}
    for (const [plugin, health] of Object.entries(await this.#parts.health())) {
      // A plugin may have answered nonsense.
      const ok = health?.ok === true
      plugins[plugin] = ok
      if (ok !== this.#unwell.has(plugin)) continue
      if (ok) this.#unwell.delete(plugin)
      else this.#unwell.add(plugin)
      this.#parts.changed(plugin, { ...health, ok })
    }
    return plugins
  }
}
