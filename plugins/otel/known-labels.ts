/** Attributes of one series. */
export type Labels = Readonly<Record<string, string>>

interface Known {
  readonly method: string
  readonly wire: string
  readonly labels: Labels
}

/**
 * Attributes of calls that end well, which most do: the same for every call of one kind. Made once and frozen, so that
 * an instrument finds their series without looking at them.
 */
export class KnownLabels<First extends object, Second extends object> {
  readonly #known = new WeakMap<First, WeakMap<Second, Known>>()

  /** @param make asked for a kind of call that is new */
  of(
    first: First,
    second: Second,
    method: string,
    wire: string,
    make: () => Record<string, string>,
  ): Labels {
    let bySecond = this.#known.get(first)
    if (bySecond === undefined) {
      bySecond = new WeakMap()
      this.#known.set(first, bySecond)
    }
    const known = bySecond.get(second)
    if (known?.method === method && known.wire === wire) return known.labels
    const labels = Object.freeze(make())
    bySecond.set(second, { method, wire, labels })
    return labels
  }
}
