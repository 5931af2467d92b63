/** How many numbers there are between two that stand for the same place. */
const PLACES = 2 ** 20

/**
 * Things under way that frames name by a number. A place is used again, its number is not: a late frame finds
 * nothing. In arrays, since these come and go with calls.
 */
export class Underway<T> {
  readonly #things: (T | undefined)[] = []
  readonly #ids: number[] = []
  readonly #free: number[] = []
  #serial = 0

  /** @returns its number @throws RangeError with a million under way */
  add(thing: T): number {
    const place = this.#free.pop() ?? this.#things.length
    if (place === PLACES) throw new RangeError(`more than ${PLACES} requests are under way`)
    const id = ++this.#serial * PLACES + place
    this.#things[place] = thing
    this.#ids[place] = id
    return id
  }

  get(id: number): T | undefined {
    const place = id % PLACES
    return this.#ids[place] === id ? this.#things[place] : undefined
  }

  /** Takes it out. */
  take(id: number): T | undefined {
    const thing = this.get(id)
    if (thing === undefined) return undefined
    const place = id % PLACES
    this.#things[place] = undefined
    this.#ids[place] = -1
    this.#free.push(place)
    return thing
  }

  /** Everything under way, with its number. */
  all(): [id: number, thing: T][] {
    return this.#things.flatMap((thing, place) =>
      thing === undefined ? [] : [[this.#ids[place] as number, thing]],
    )
  }
}
