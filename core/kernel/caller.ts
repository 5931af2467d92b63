import type { Caller, Client, Principal } from '../../sdk/index.ts'

const CLIENTS_PER_PRINCIPAL = 64
/** Characters. A client that says more about itself than this is not remembered. */
const LONGEST_KEY = 4_096

/** What is known of one principal's clients. */
interface Known {
  readonly callers: Map<string, Caller>
  /** Who called last: most principals have one client. */
  last: Caller | undefined
}

/**
 * One `Caller` object per principal, client and path, so that what is known about a caller can hang on
 * the object. Goes away with the principal.
 */
export class Callers {
  readonly #known = new WeakMap<Principal, Known>()

  /**
   * @param clientKey equal for equal clients; a client may send anything, so only the newest are kept
   * @param client called when this client is new to the principal
   */
  get(principal: Principal, path: string, clientKey: string, client: () => Client): Caller {
    if (clientKey.length > LONGEST_KEY) return { principal, client: client(), path }
    let known = this.#known.get(principal)
    if (known === undefined) {
      known = { callers: new Map(), last: undefined }
      this.#known.set(principal, known)
    }
    const { callers } = known
    const key = `${path} ${clientKey}`
    let caller = callers.get(key)
    if (caller === undefined) {
      caller = { principal, client: client(), path }
      if (callers.size >= CLIENTS_PER_PRINCIPAL)
        callers.delete(callers.keys().next().value as string)
      callers.set(key, caller)
    }
    known.last = caller
    return caller
  }

  /** Whoever called last for that principal: to be looked at before a key is made of what a client says. */
  last(principal: Principal): Caller | undefined {
    return this.#known.get(principal)?.last
  }
}
