import type { Entry, Log } from 'mcp-patchbay/sdk'
import type { Pattern } from './pattern.ts'

/** The globs that match nothing: misspelt, or about something that is gone. */
export class Unmatched {
  readonly #patterns: readonly Pattern[]
  readonly #log: Log
  #told: ReadonlySet<Pattern> | undefined

  constructor(patterns: readonly Pattern[], log: Log) {
    this.#patterns = patterns
    this.#log = log
  }

  /** Those found, by where they stand; `undefined` before every upstream was listed. */
  get found(): readonly string[] | undefined {
    return this.#told && [...this.#told].map(toldOf)
  }

  /** Looks at the first catalog that is whole; later ones are not looked at: tools come and go. */
  look(entries: readonly Entry[]): void {
    if (this.#told !== undefined) return
    const isRead = entries.some(({ kind }) => kind === 'template')
    const idle = this.#patterns.filter((one) => {
      // A glob of URIs may be about what is read by a template, and in no list.
      if (isRead && one.glob.includes(':')) return false
      return !entries.some((entry) => entry.targets.some((target) => one.covers(entry, target)))
    })
    this.#told = new Set(idle)
    for (const one of idle) {
      this.#log.warn(
        { rule: one.glob },
        `${toldOf(one)} matches nothing that any upstream lists. Correct or remove it, unless an upstream that is down has it, or lists it to some accounts only.`,
      )
    }
  }
}

function toldOf({ setting, glob }: Pattern): string {
  return `${setting}: ${glob}`
}
