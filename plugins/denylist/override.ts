import type { Entry, Target } from 'mcp-patchbay/sdk'

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
  of({ name }: Entry, { publicName, name: own }: Target): Override | undefined {
    const denied = this.#denied
    if (denied.size > 0) {
      const found = denied.get(name) ?? denied.get(publicName) ?? denied.get(own)
      if (found !== undefined) return found
    }
    return this.#allowed.get(name) ?? this.#allowed.get(publicName)
  }
}
