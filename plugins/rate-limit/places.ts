import type { Call, Entry, Target } from 'mcp-patchbay/sdk'
import type { Limit } from './limit.ts'

interface Found {
  readonly target: Target | undefined
  readonly limits: Map<Call['method'], readonly Limit[]>
}

/** Which limits concern calls to an entry at a target: found out once, and again when the catalog changes. */
export class Places {
  readonly #limits: readonly Limit[]
  readonly #found = new WeakMap<Entry, Found[]>()

  constructor(limits: readonly Limit[]) {
    this.#limits = limits
  }

  /** The limits that concern a call, whoever makes it, in the order of the settings. */
  limitsOf({ method, entry, target }: Call): readonly Limit[] {
    let places = this.#found.get(entry)
    if (places === undefined) {
      places = []
      this.#found.set(entry, places)
    }
    let place = places.find((one) => one.target === target)
    if (place === undefined) {
      place = { target, limits: new Map() }
      places.push(place)
    }
    let limits = place.limits.get(method)
    if (limits === undefined) {
      limits = this.#limits.filter((limit) => limit.concerns(method, entry, target))
      place.limits.set(method, limits)
    }
    return limits
  }
}
