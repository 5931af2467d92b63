import { type Call, type Caller, type Calls, type Denial, deny } from '../../sdk/index.ts'
import { findMember, readMembers } from '../wire/json.ts'
import type { Kernel } from './kernel.ts'
import type { CallRequest, Exchange } from './ports.ts'
import type { Round } from './round.ts'

const DEEPEST = 8

/** The client's side of a call that a plugin makes while another runs. */
export class NestedExchange implements Exchange {
  readonly parent: Round
  #round: Round | undefined

  constructor(parent: Round) {
    this.parent = parent
  }

  get round(): Round | undefined {
    return this.#round
  }

  set round(round: Round | undefined) {
    this.#round = round
    if (round === undefined) return
    // Whoever cancels the outer call wants none of the inner ones either.
    this.parent.inner.add(round)
    round.onEnd(() => this.parent.inner.delete(round))
    if (this.parent.cancelled !== undefined) round.cancel(this.parent.cancelled)
  }

  get wire(): string {
    return this.parent.exchange.wire
  }

  get requestId(): string {
    return this.parent.exchange.requestId
  }

  get sessionId(): string | undefined {
    return this.parent.exchange.sessionId
  }

  get headers(): Exchange['headers'] {
    return this.parent.exchange.headers
  }

  // The plugin asked for no progress.
  message(): void {}
}

/** The request of an inner call, as a wire would have handed it over. */
export function nestedRequest(name: string, args: CallRequest['args'] = {}): CallRequest {
  const text = JSON.stringify({ params: { name, arguments: args } })
  const params = readMembers(text, readMembers(text)[2])
  const argsAt = params[findMember(text, params, 'arguments') + 2] as number
  // Read back: what JSON cannot say does not arrive.
  const { arguments: said } = JSON.parse(text).params
  return { method: 'tools/call', name, args: said, text, params, argsAt, meta: {} }
}

/** Why a call must not be made inside another. */
export function refuseNested(
  parent: Round,
  caller: Caller,
  request: CallRequest,
): Denial | undefined {
  const hint = 'Call something else.'
  if (parent.depth + 1 > DEEPEST) {
    return deny('INVALID', `calls are nested more than ${DEEPEST} deep`, { hint })
  }
  for (let one: Round | undefined = parent; one !== undefined; one = one.parent) {
    const same = one.request.name === request.name && one.caller === caller
    if (same && JSON.stringify(one.args) === JSON.stringify(request.args)) {
      return deny('INVALID', `${request.name} calls itself with the same arguments`, { hint })
    }
  }
  return undefined
}

/**
 * The `Calls` service of a plugin line.
 * @param plugin the line's id
 * @param running the kernel, once there is one
 * @param roundOf the round behind what a plugin knows as a call
 */
export function callsService(
  plugin: string,
  running: () => Kernel | undefined,
  roundOf: (call: Call) => Round | undefined,
): Calls {
  const kernel = () => {
    const found = running()
    if (found !== undefined) return found
    throw new Error('the gateway does not run yet: call from a hook, not from setup')
  }
  return {
    call(caller, name, args, { parent }) {
      const round = roundOf(parent)
      if (round === undefined) throw new TypeError('`parent` is not the call of a hook')
      return kernel().nested(caller, name, args, round)
    },
    list: (caller, options) => kernel().permitted(caller, options, plugin),
  }
}
