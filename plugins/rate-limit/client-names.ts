import type { Principal } from 'mcp-patchbay/sdk'
import { component } from './component.ts'

const MOST = 32

/** What is counted for all further names of a principal's. No name has this. */
const OTHERS = ' *'

/**
 * The names of clients as parts of keys. A client says itself what it is called: the first 32 names of a
 * principal are counted by themselves and all others together, so that inventing names makes no room.
 */
export class ClientNames {
  readonly #known = new WeakMap<Principal, Map<string, string>>()

  /** The part of a key that stands for a principal's client. */
  component(principal: Principal, name: string): string {
    let names = this.#known.get(principal)
    if (names === undefined) {
      names = new Map()
      this.#known.set(principal, names)
    }
    const known = names.get(name)
    if (known !== undefined) return known
    if (names.size >= MOST) return OTHERS
    const part = component(name)
    names.set(name, part)
    return part
  }
}
