/** Somebody who can be in one {@link Slots}. */
export interface Slotted {
  /** Its place there; -1 while it is in none. Written by `Slots` only. */
  slot: number
}

/**
 * A set for members that come and go with every call. A `Set` makes a new table every few changes, and
 * each dead table holds what was in it until the next full collection: measured, a third of a call's CPU.
 */
export class Slots<T extends Slotted> {
  readonly #members: T[] = []

  get size(): number {
    return this.#members.length
  }

  /** Adds a member that is in no other. Twice is once. */
  add(member: T): void {
    if (member.slot >= 0) return
    member.slot = this.#members.length
    this.#members.push(member)
  }

  /** Takes a member out, if it is in. */
  delete(member: T): void {
    const { slot } = member
    if (slot < 0) return
    member.slot = -1
    const last = this.#members.pop() as T
    if (last === member) return
    this.#members[slot] = last
    last.slot = slot
  }

  /** The members at this moment, in no particular order. */
  all(): T[] {
    return this.#members.slice()
  }

  find(test: (member: T) => boolean): T | undefined {
    return this.#members.find(test)
  }
}
