import type { Entry, Maybe, OfferedTool, Outcome } from '../../sdk/index.ts'
import { isObject } from '../wire/json.ts'
import { type HookTable, isPromise, type PluginLine } from './hooks.ts'
import { cancelled } from './outcome.ts'
import type { Round } from './round.ts'

/** Milliseconds an offered tool may take. */
const LIMIT = 60_000
const KINDS: ReadonlySet<unknown> = new Set([
  'result',
  'question',
  'denial',
  'failure',
  'cancelled',
])

interface Offer {
  readonly plugin: string
  readonly hook: 'tools'
  readonly limit: number
  readonly tool: OfferedTool
}

/** The tools that plugins offer themselves. */
export class Offers {
  readonly entries: readonly Entry[]
  readonly #hooks: HookTable
  readonly #offers: ReadonlyMap<string, Offer>

  constructor(lines: readonly PluginLine[], hooks: HookTable) {
    this.#hooks = hooks
    const offers = lines.flatMap(({ id, hooks: { tools = [] } }) =>
      tools.map((tool): Offer => ({ plugin: id, hook: 'tools', limit: LIMIT, tool })),
    )
    this.#offers = new Map(offers.map((one) => [keyOf(one.plugin, one.tool.definition.name), one]))
    this.entries = offers.map(({ plugin, tool: { definition } }) => {
      const { name } = definition
      const targets = [{ upstream: '', plugin, name, publicName: name }]
      return { kind: 'tool', name, definition, targets }
    })
  }

  /** Runs an offered tool. @throws HookError, or rejects with it */
  call(round: Round): Maybe<Outcome> {
    const { plugin = '', name = '' } = round.target ?? {}
    const offer = this.#offers.get(keyOf(plugin, name))
    // The catalog lists what is offered; a target of anything else is a bug.
    if (offer === undefined) throw new Error(`plugin ${plugin} offers no ${name}`)
    round.current = plugin
    let returned: Maybe<unknown>
    try {
      returned = offer.tool.call(round)
    } catch (cause) {
      throw this.#hooks.failed(plugin, 'tools', cause, false)
    }
    if (!isPromise(returned)) return this.#take(offer, returned)
    const settled = this.#hooks.settle(returned, offer).then((value) => this.#take(offer, value))
    const gone = new Promise<Outcome>((resolve) => {
      round.open = { cancel: () => resolve(cancelled(round, 'unknown')) }
    })
    return Promise.race([settled, gone])
  }

  #take({ plugin }: Offer, value: unknown): Outcome {
    if (isObject(value) && KINDS.has(value.kind)) return value as unknown as Outcome
    if (isObject(value)) return { kind: 'result', result: value, source: 'plugin', executed: true }
    const cause = new TypeError('an offered tool returned no result')
    throw this.#hooks.failed(plugin, 'tools', cause, false)
  }
}

function keyOf(plugin: string, name: string): string {
  return `${plugin} ${name}`
}
