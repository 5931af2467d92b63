import { type Entry, namesOf, type Target } from 'mcp-patchbay/sdk'

/** What an operator said about one tool while the gateway runs. */
export interface Override {
  /** A name, as it is compared. */
  readonly tool: string
  readonly effect: 'deny' | 'allow'
  readonly author: string
  readonly reason: string
  /** Milliseconds since the epoch. */
  readonly since: number
  /** When it ends, in milliseconds since the epoch; `null`: not by itself. */
  readonly until: number | null
}

/** Whether an override still counts. */
export function counts({ until }: Override, now: number): boolean {
  return until === null || until > now
}

/** Overrides, found by the tool they are about. */
export class OverrideTable {
  readonly #denied = new Map<string, Override>()
  readonly #allowed = new Map<string, Override>()

  constructor(overrides: readonly Override[]) {
    for (const one of overrides) {
      const map = one.effect === 'deny' ? this.#denied : this.#allowed
      map.set(one.tool, one)
    }
  }

  /**
   * What decides about an entry called at a target. A denial goes before a permission, and is found by every name.
   * A permission is not found by the upstream's own name: a server chooses that, and is not to say what is allowed.
   */
  of(entry: Entry, target: Target): Override | undefined {
    if (this.#denied.size > 0) {
      for (const name of namesOf(entry, target)) {
        const found = this.#denied.get(name)
        if (found !== undefined) return found
      }
    }
    const { publicName, policyNames = [] } = target
    for (const name of [entry.name, publicName, ...policyNames]) {
      const found = this.#allowed.get(name)
      if (found !== undefined) return found
    }
    return undefined
  }
}
