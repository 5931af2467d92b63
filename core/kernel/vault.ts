import type {
  Ask,
  Credentials,
  CredentialsQuery,
  Denial,
  Maybe,
  Outcome,
  RefusedQuery,
} from '../../sdk/index.ts'
import { Refused } from '../hooks/errors.ts'
import type { HookCounts } from '../hooks/hook-counts.ts'
import { type HookTable, isPromise } from '../hooks/hooks.ts'
import { isDenial } from '../hooks/returned.ts'
import { isObject } from '../wire/json.ts'
import { cancelled } from './outcome.ts'
import { judgedDigest } from './paused-call.ts'
import type { Pauses, UpstreamAsk } from './pauses.ts'
import type { Vault } from './ports.ts'
import { QuestionFilter } from './question-filter.ts'
import { Round } from './round.ts'
import { isAsk } from './verdict.ts'

type Headers = Readonly<Record<string, string>>
type Verdict = 'retry' | Ask | Denial
type Given = Credentials | Ask | Denial

interface Asked<Q, R> {
  readonly plugin: string
  readonly hook: 'credentials' | 'refused'
  readonly limit: number
  readonly counts: HookCounts
  run(query: Q): Maybe<R | undefined>
}

/** What plugins know of credentials. For a call they may ask; that ends the round like any question. */
export class PluginVault implements Vault {
  readonly #hooks: HookTable
  readonly #pauses: Pauses
  /** `null`: no plugin wants to read what upstreams ask. */
  readonly #questions: QuestionFilter | null
  readonly #credentials: readonly Asked<CredentialsQuery, Given>[] | null
  readonly #refused: readonly Asked<RefusedQuery, Verdict>[] | null
  readonly #askers: readonly string[]

  constructor(hooks: HookTable, pauses: Pauses) {
    this.#hooks = hooks
    this.#pauses = pauses
    this.#questions = hooks.messages === null ? null : new QuestionFilter(hooks)
    this.#credentials = named(hooks.on.credentials)
    this.#refused = named(hooks.on.refused)
    const askers = [...(this.#credentials ?? []), ...(this.#refused ?? [])]
    this.#askers = askers.map(({ plugin }) => plugin)
  }

  credentials(query: CredentialsQuery): Maybe<Headers | undefined> {
    if (this.#credentials === null) return undefined
    const { call: round } = query
    if (round instanceof Round && round.paused !== undefined) this.#forget(round)
    const check = query.purpose === 'call' ? isCredentialsOrAsk : isCredentials
    const found = this.#hooks.first<CredentialsQuery, Given>(this.#credentials, query, check)
    if (isPromise(found)) return found.then((one) => this.#headers(query, one))
    return this.#headers(query, found)
  }

  refused(
    query: CredentialsQuery,
    httpStatus: number,
    challenge: string | undefined,
    headers?: Headers,
  ): Maybe<'retry' | Outcome | undefined> {
    if (this.#refused === null) return undefined
    const check = query.purpose === 'call' ? isVerdictOrAsk : isVerdict
    const sent = headers === undefined ? {} : { headers }
    const about = { ...query, httpStatus, challenge, ...sent }
    const found = this.#hooks.first<RefusedQuery, Verdict>(this.#refused, about, check)
    const take = (one: Verdict | undefined) =>
      isAsk(one) ? this.#pause(query, 'refused', one) : one
    return isPromise(found) ? found.then(take) : take(found)
  }

  asked(round: Round, ask: UpstreamAsk): Maybe<Outcome> {
    if (this.#questions === null) return this.#relay(round, ask)
    const judged = this.#questions.questions(round, ask)
    const go = (found: UpstreamAsk | Denial) =>
      'kind' in found ? found : this.#relay(round, found)
    return isPromise(judged) ? judged.then(go) : go(judged)
  }

  #relay(round: Round, ask: UpstreamAsk): Outcome {
    return round.cancelled === undefined ? this.#pauses.relay(round, ask) : cancelled(round, true)
  }

  #headers(query: CredentialsQuery, found: Given | undefined): Headers | undefined {
    if (found === undefined) return undefined
    if ('headers' in found) return found.headers
    throw new Refused(isAsk(found) ? this.#pause(query, 'credentials', found) : found)
  }

  /** The round ends, and what the next one needs is sealed. The upstream has done nothing. */
  #pause({ call }: CredentialsQuery, hook: 'credentials' | 'refused', asked: Ask): Outcome {
    const round = call as Round
    const plugin = round.current
    if (round.cancelled !== undefined) return cancelled(round, false)
    const passed = [
      ...new Set([...(round.paused?.passed ?? []), ...this.#hooks.askedBefore, plugin]),
    ]
    try {
      return this.#pauses.pause(round, plugin, asked, judgedDigest(round), passed)
    } catch (cause) {
      throw this.#hooks.failed(plugin, hook, cause, false)
    }
  }

  /** Answers were about one upstream and its arguments: for another they say nothing. */
  #forget(round: Round): void {
    const { paused, forgotten } = round
    if (!paused?.judged || paused.judged === judgedDigest(round)) return
    round.forgotten = new Set([...(forgotten ?? []), ...this.#askers])
  }
}

/** Listeners that let a call know whose hook runs: answers are each plugin's own. */
function named<Q extends CredentialsQuery, R>(listeners: readonly Asked<Q, R>[] | null) {
  if (listeners === null) return null
  return listeners.map(
    (one): Asked<Q, R> => ({
      ...one,
      run(query) {
        if (query.call instanceof Round) query.call.current = one.plugin
        return one.run(query)
      },
    }),
  )
}

function isCredentials(value: unknown): boolean {
  return isDenial(value) || areHeaders((value as Partial<Credentials>).headers)
}

const sound = new WeakSet<object>()

/** Whether these can stand in a request; judged once per object, as they are prepared once. */
function areHeaders(headers: unknown): boolean {
  if (!isObject(headers)) return false
  if (sound.has(headers)) return true
  const all = Object.entries(headers)
  const fit = all.every(
    ([name, value]) => /^[\w!#$%&'*+.^`|~-]+$/.test(name) && isHeaderValue(value),
  )
  if (fit) sound.add(headers)
  return fit
}

function isHeaderValue(value: unknown): boolean {
  return typeof value === 'string' && /^[\t -~\x80-\xff]*$/.test(value)
}

function isCredentialsOrAsk(value: unknown): boolean {
  return isAsk(value) || isCredentials(value)
}

function isVerdict(value: unknown): boolean {
  return value === 'retry' || isDenial(value)
}

function isVerdictOrAsk(value: unknown): boolean {
  return isAsk(value) || isVerdict(value)
}
