import type { Caller, Client, Principal } from '../../sdk/index.ts'

const CLIENTS_PER_PRINCIPAL = 64
/** Characters. A client that says more about itself than this is not remembered. */
const LONGEST_KEY = 4_096

/**
 * One `Caller` object per principal, client and path, so that what is known about a caller can hang on
 * the object. Goes away with the principal.
 */
export class Callers {
  readonly #known = new WeakMap<Principal, Map<string, Caller>>()

  /**
   * @param clientKey equal for equal clients; a client may send anything, so only the newest are kept
   * @param client called when this client is new to the principal
   */
  get(principal: Principal, path: string, clientKey: string, client: () => Client): Caller {
    if (clientKey.length > LONGEST_KEY) return { principal, client: client(), path }
    let callers = this.#known.get(principal)
    if (callers === undefined) {
      callers = new Map()
      this.#known.set(principal, callers)
    }
    const key = `${path} ${clientKey}`
    let caller = callers.get(key)
    if (caller === undefined) {
      caller = { principal, client: client(), path }
      if (callers.size >= CLIENTS_PER_PRINCIPAL)
        callers.delete(callers.keys().next().value as string)
      callers.set(key, caller)
    }
    return caller
  }
}
