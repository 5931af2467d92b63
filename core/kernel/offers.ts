import type { Call, Entry, EntryKind, Maybe, Offered, Outcome } from '../../sdk/index.ts'
import { type HookTable, isPromise, type OfferName, type PluginLine } from '../hooks/hooks.ts'
import { isObject } from '../wire/json.ts'
import { cancelled } from './outcome.ts'
import type { Round } from './round.ts'

/** Milliseconds that what a plugin offers may take. */
const LIMIT = 60_000
const OUTCOMES: ReadonlySet<unknown> = new Set([
  'result',
  'question',
  'denial',
  'failure',
  'cancelled',
])

const NO_COMPLETION: Outcome = {
  kind: 'result',
  result: { completion: { values: [] } },
  source: 'plugin',
  executed: false,
}

interface Offer {
  readonly plugin: string
  readonly hook: OfferName
  readonly limit: number
  readonly call: (call: Call) => unknown
}

/** What plugins offer themselves. */
export class Offers {
  readonly entries: readonly Entry[]
  readonly #hooks: HookTable
  /** By entry: whoever offers it is known from the target, what it does from here. */
  readonly #offers = new Map<string, Offer>()

  constructor(lines: readonly PluginLine[], hooks: HookTable) {
    this.#hooks = hooks
    this.entries = lines.flatMap(({ id, hooks: { tools = [], prompts = [], resources = [] } }) => [
      ...tools.map((one) => this.#take(id, 'tools', 'tool', one.definition.name, one)),
      ...prompts.map((one) => this.#take(id, 'prompts', 'prompt', one.definition.name, one)),
      ...resources.map((one) =>
        typeof one.definition.uriTemplate === 'string'
          ? this.#take(id, 'resources', 'template', one.definition.uriTemplate, one)
          : this.#take(id, 'resources', 'resource', one.definition.uri as string, one),
      ),
    ])
  }

  /** The kinds there are of it: where there are resources there is a list of templates, and there are always tools. */
  get kinds(): readonly EntryKind[] {
    const offered = this.entries.flatMap(({ kind }): EntryKind[] =>
      kind === 'resource' || kind === 'template' ? ['resource', 'template'] : [kind],
    )
    return ['tool', ...offered]
  }

  /** Does the work of what a plugin offers. @throws HookError, or rejects with it */
  call(round: Round): Maybe<Outcome> {
    const { plugin = '', name = '' } = round.target ?? {}
    const offer = this.#offers.get(keyOf(plugin, round.entry.kind, name))
    // The catalog lists what is offered; a target of anything else is a bug.
    if (offer === undefined) throw new Error(`plugin ${plugin} offers no ${name}`)
    // What a plugin offers, nobody completes.
    if (round.method === 'completion/complete') return NO_COMPLETION
    round.current = plugin
    let returned: unknown
    try {
      returned = offer.call(round)
    } catch (cause) {
      throw this.#hooks.failed(plugin, offer.hook, cause, false)
    }
    if (!isPromise(returned)) return this.#accept(offer, returned)
    const settled = this.#hooks.settle(returned, offer).then((value) => this.#accept(offer, value))
    const gone = new Promise<Outcome>((resolve) => {
      round.open = { cancel: () => resolve(cancelled(round, 'unknown')) }
    })
    return Promise.race([settled, gone])
  }

  #take<K extends EntryKind>(
    plugin: string,
    hook: OfferName,
    kind: K,
    name: string,
    offered: Offered<unknown>,
  ): Entry {
    // Bound, so that it may be written with `this`.
    const call = offered.call.bind(offered)
    this.#offers.set(keyOf(plugin, kind, name), { plugin, hook, limit: LIMIT, call })
    const targets = [{ upstream: '', plugin, name, publicName: name }]
    return { kind, name, definition: offered.definition, targets } as Entry
  }

  #accept({ plugin, hook }: Offer, value: unknown): Outcome {
    if (isObject(value) && OUTCOMES.has(value.kind)) return value as unknown as Outcome
    if (isObject(value)) return { kind: 'result', result: value, source: 'plugin', executed: true }
    throw this.#hooks.failed(plugin, hook, new TypeError('returned no result'), false)
  }
}

function keyOf(plugin: string, kind: EntryKind, name: string): string {
  return `${plugin} ${kind} ${name}`
}
