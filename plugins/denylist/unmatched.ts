import type { Entry, Log } from 'mcp-patchbay/sdk'
import { denies, type Rule } from './rule.ts'

/** Warns of rules that deny nothing, once every upstream has been listed. */
export class Unmatched {
  readonly #rules: Set<Rule>
  readonly #log: Log

  /** @param rules those that name tools of these upstreams in particular */
  constructor(rules: readonly Rule[], log: Log) {
    this.#rules = new Set(rules)
    this.#log = log
  }

  /** Looks at the first catalog that is whole. */
  look(entries: readonly Entry[]): void {
    for (const rule of this.#rules) {
      const matched = entries.some(
        (entry) =>
          entry.kind === 'tool' &&
          entry.targets.some((target) => denies(rule, entry, target) !== undefined),
      )
      if (!matched) {
        this.#log.warn(
          { rule: rule.setting },
          `${rule.setting} denies no tool of any upstream. Correct or remove it, unless an upstream that is down has such a tool.`,
        )
      }
    }
    this.#rules.clear()
  }
}
