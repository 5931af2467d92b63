import {
  type Call,
  deny,
  type Entry,
  type EntryKind,
  type Maybe,
  type Offered,
  type Outcome,
  type ToolDefinition,
} from '../../sdk/index.ts'
import { type HookTable, isPromise, type OfferName, type PluginLine } from '../hooks/hooks.ts'
import { denialOf, resultOf } from '../hooks/returned.ts'
import { isObject } from '../wire/json.ts'
import { cancelled } from './outcome.ts'
import type { ArgumentCheck } from './ports.ts'
import type { Round } from './round.ts'
import { isOutcome } from './verdict.ts'

/** Milliseconds that what a plugin offers may take. */
const LIMIT = 60_000
const OUTCOMES: ReadonlySet<unknown> = new Set(['result', 'question', 'failure', 'cancelled'])

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
  /** Of a tool. */
  readonly check: ArgumentCheck | undefined
}

/** What plugins offer themselves. */
export class Offers {
  readonly entries: readonly Entry[]
  readonly #hooks: HookTable
  readonly #check: (schema: object) => ArgumentCheck
  /** By entry: whoever offers it is known from the target, what it does from here. */
  readonly #offers = new Map<string, Offer>()

  /** @param check makes the judge of a tool's arguments of its `inputSchema` */
  constructor(
    lines: readonly PluginLine[],
    hooks: HookTable,
    check: (schema: object) => ArgumentCheck,
  ) {
    this.#hooks = hooks
    this.#check = check
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
    const wrong = offer.check?.(round.args)
    if (wrong !== undefined) return deny('INVALID', `the arguments of ${name}: ${wrong}`)
    round.current = plugin
    let returned: unknown
    try {
      returned = offer.call(round)
    } catch (cause) {
      throw this.#hooks.failed(plugin, offer.hook, cause, false)
    }
    if (!isPromise(returned)) return this.#accept(offer, round, returned)
    const settled = this.#hooks
      .settle(returned, offer)
      .then((value) => this.#accept(offer, round, value))
    const gone = new Promise<Outcome>((resolve) => {
      round.open = { cancel: () => resolve(cancelled(round, 'unknown')) }
    })
    return Promise.race([settled, gone])
  }

  #take(
    plugin: string,
    hook: OfferName,
    kind: EntryKind,
    name: string,
    offered: Offered<object>,
  ): Entry {
    const { definition } = offered
    // Bound, so that it may be written with `this`.
    const call = offered.call.bind(offered)
    const check =
      kind === 'tool' ? this.#check((definition as ToolDefinition).inputSchema) : undefined
    this.#offers.set(keyOf(plugin, kind, name), { plugin, hook, limit: LIMIT, call, check })
    const targets = [{ upstream: '', plugin, name, publicName: name }]
    return { kind, name, definition, targets } as Entry
  }

  #accept({ plugin, hook }: Offer, round: Round, value: unknown): Outcome {
    try {
      if (isObject(value) && value.kind === 'denial') {
        // One that came from a call inside says who refused that.
        return denialOf((value.plugin as string | undefined) ?? plugin, value)
      }
      if (isObject(value) && OUTCOMES.has(value.kind)) return outcomeOf(round, value)
      return {
        kind: 'result',
        result: resultOf(round.method, value),
        source: 'plugin',
        executed: true,
      }
    } catch (cause) {
      throw this.#hooks.failed(plugin, hook, cause, false)
    }
  }
}

/** An outcome that a plugin passes on. @throws TypeError for one that cannot be told */
function outcomeOf(round: Round, value: unknown): Outcome {
  // A client that still waits must be told something: only its own word cancels.
  if (isOutcome(value) && (value.kind !== 'cancelled' || round.cancelled !== undefined))
    return value
  throw new TypeError('returned an outcome that cannot be told')
}

function keyOf(plugin: string, kind: EntryKind, name: string): string {
  return `${plugin} ${kind} ${name}`
}
