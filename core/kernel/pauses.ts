import {
  type Ask,
  type Caller,
  type Clock,
  type Denial,
  deny,
  type Maybe,
  QUESTION_METHODS,
  type QuestionOutcome,
} from '../../sdk/index.ts'
import { digest } from '../catalog/digest.ts'
import { isPromise } from '../hooks/hooks.ts'
import { isObject, memberName, memberText } from '../wire/json.ts'
import {
  type Answer,
  answered,
  isRelayed,
  judgedDigest,
  type PausedCall,
  PausedOutcome,
  withAnswers,
} from './paused-call.ts'
import type { CallRequest, Sealer } from './ports.ts'
import { type Round, responsesText } from './round.ts'

/** Bound to the seal, so that no other sealed text passes for a paused call. */
const PURPOSE = 'request-state'
/** How long an answer is waited for, in milliseconds. */
export const PATIENCE = 10 * 60_000
/** Longer than any state is good for: whoever asks whether one was spent must still find it. */
const REMEMBERED = 2 * PATIENCE
const MOST_ROUNDS = 8
const MOST_HELD_ROUNDS = 100
const MOST_STATE = 16 * 1024
/** A server's own state comes on top. */
const MOST_RELAYED = 256 * 1024
const MOST_QUESTIONS = 16
/** Members of `params` that a retry may have otherwise than the first request. */
const VOLATILE = new Set(['_meta', 'inputResponses', 'requestState'])

/** What an upstream asks in the middle of a call. */
export interface UpstreamAsk {
  readonly questions: QuestionOutcome['questions']
  /** Their source text. */
  readonly text: string
  readonly state: string | undefined
  /** Where the call is held meanwhile, when its server waits with it open. */
  readonly held?: string
}

/** Remembers which states were spent, in every replica. */
export interface Spent {
  /** Whether it was not there before. @param ttl milliseconds */
  add(nonce: string, ttl: number): Maybe<boolean>
}

/** Pauses calls that ask something, and resumes them: each state once, by whoever began, with the same request. */
export class Pauses {
  readonly #sealer: Sealer
  readonly #spent: Spent
  readonly #clock: Clock
  readonly #nextId: () => string

  constructor(sealer: Sealer, spent: Spent, clock: Clock, nextId: () => string) {
    this.#sealer = sealer
    this.#spent = spent
    this.#clock = clock
    this.#nextId = nextId
  }

  /**
   * The paused call a request goes on with, its new answers added. Everything that does not fit reads the
   * same, and nothing has run by then.
   */
  resume(request: CallRequest, caller: Caller, state: string): Maybe<PausedCall | Denial> {
    const facts = this.#sealer.open(state, PURPOSE)
    const paused = facts === undefined ? undefined : (JSON.parse(facts) as PausedCall)
    const { issuer, subject } = caller.principal
    if (
      paused === undefined ||
      paused.expires <= this.#clock.now() ||
      paused.issuer !== issuer ||
      paused.subject !== subject ||
      paused.path !== caller.path ||
      paused.name !== request.name ||
      paused.request !== requestDigest(request)
    ) {
      return STALE
    }
    const first = this.#spent.add(paused.nonce, REMEMBERED)
    const go = (unspent: boolean) =>
      unspent ? withAnswers(paused, request.responses ?? {}) : STALE
    return isPromise(first) ? first.then(go) : go(first)
  }

  /**
   * The outcome of a round in which a plugin asked.
   * @param judged the digest of what the guards see; `""` while shapers run
   * @param passed the plugins whose `beforeCall` was reached
   * @throws TypeError for questions that are none
   */
  pause(
    round: Round,
    plugin: string,
    { questions }: Ask,
    judged: string,
    passed: readonly string[],
  ): QuestionOutcome | Denial {
    const entries = isObject(questions) ? Object.entries(questions) : []
    if (entries.length === 0 || entries.length > MOST_QUESTIONS) {
      throw new TypeError(
        `asked ${entries.length} questions; between 1 and ${MOST_QUESTIONS} can be asked`,
      )
    }
    for (const [key, question] of entries) {
      if (
        !isObject(question) ||
        !isObject(question.params) ||
        !QUESTION_METHODS.includes(question.method)
      ) {
        throw new TypeError(`question ${key} is none of ${QUESTION_METHODS.join(', ')}`)
      }
    }
    const missing: Record<string, object> = Object.assign(
      {},
      ...entries.map(([, question]) => round.missing(question)),
    )
    const common = { kind: 'question', source: 'plugin', plugin, executed: false } as const
    const prefixed = Object.fromEntries(entries.map(([key, one]) => [wireKey(plugin, key), one]))
    if (Object.keys(missing).length > 0) return { ...common, questions: prefixed, missing }
    const asked = entries.map(([key]) => [wireKey(plugin, key), plugin, key] as const)
    return this.#seal(round, plugin, prefixed, { judged, passed, asked, inside: [] })
  }

  /**
   * The outcome of a round in which an upstream asked: its questions as they are, its state within ours.
   * Asks nothing that this caller cannot be asked.
   */
  relay(round: Round, { questions, text, state, held }: UpstreamAsk): QuestionOutcome | Denial {
    const missing: Record<string, object> = Object.assign(
      {},
      ...Object.values(questions).map((question) => round.missing(question)),
    )
    if (Object.keys(missing).length > 0) {
      return {
        kind: 'question',
        source: 'upstream',
        plugin: '',
        executed: true,
        questions,
        missing,
      }
    }
    const { upstream = '', name = '' } = round.target ?? {}
    const relayed = {
      upstream,
      name,
      ...(round.args === round.request.args ? {} : { args: round.args }),
      ...(state === undefined ? {} : { state }),
      ...(held === undefined ? {} : { held }),
      methods: Object.fromEntries(
        Object.entries(questions).map(([key, { method }]) => [key, method]),
      ),
    }
    const judged = judgedDigest(round)
    const passed = round.paused?.passed ?? []
    return this.#seal(
      round,
      '',
      questions,
      { judged, passed, asked: [], inside: [], relayed },
      text,
    )
  }

  /** An inner call's questions as those of the call around it, which will make it again. */
  around(
    round: Round,
    inner: PausedOutcome,
    judged: string,
    passed: readonly string[],
  ): QuestionOutcome | Denial {
    const others = (round.paused?.inside ?? []).flatMap((one) =>
      one.id === inner.paused.id ? [] : answered(one, responsesOf(round), responsesText(round)),
    )
    // The inner call takes its answers itself: none of them is an answer to this one's plugins.
    const inside = [...others, inner.paused]
    const facts = { judged, passed, asked: [], inside }
    return this.#seal(round, inner.plugin, inner.questions, facts, inner.text)
  }

  /** The inner call that this request goes on with, when the call around it came back with answers. */
  inner(parent: Round, request: CallRequest, caller: Caller): PausedCall | undefined {
    const { inside = [] } = parent.paused ?? {}
    if (inside.length === 0) return undefined
    const asked = requestDigest(request)
    const { issuer, subject } = caller.principal
    const found = inside.find(
      (one) =>
        // Made once more, it asks once more.
        !parent.resumed?.includes(one) &&
        one.request === asked &&
        one.name === request.name &&
        // A plugin may call for somebody else: what one person answered is not the other's word.
        one.issuer === issuer &&
        one.subject === subject &&
        one.path === caller.path,
    )
    if (found === undefined) return undefined
    parent.resumed = [...(parent.resumed ?? []), found]
    // It goes on here, so nobody has to wait for it any more.
    const added = this.#spent.add(found.nonce, REMEMBERED)
    // Where that cannot be kept, the call is told as given up later: nothing runs twice.
    if (isPromise(added)) added.catch(() => {})
    return withAnswers(found, responsesOf(parent))
  }

  /** Seals a round's facts for the next one. */
  #seal(
    round: Round,
    plugin: string,
    questions: QuestionOutcome['questions'],
    facts: Pick<PausedCall, 'judged' | 'passed' | 'asked' | 'inside' | 'relayed'>,
    source?: string,
  ): QuestionOutcome | Denial {
    const rounds = (round.paused?.rounds ?? 0) + 1
    // A server that holds its call may ask as often as in its own revision: nothing is done twice for it.
    if (rounds >= (facts.relayed?.held === undefined ? MOST_ROUNDS : MOST_HELD_ROUNDS)) {
      return deny('INVALID', `${round.entry.name} asked ${rounds} times without coming to an end`, {
        hint: 'Call it again, and answer what it asks.',
      })
    }
    const { issuer, subject } = round.caller.principal
    const now = this.#clock.now()
    const paused: PausedCall = {
      ...facts,
      id: round.id,
      rounds,
      start: round.paused?.start ?? now,
      issuer,
      subject,
      path: round.caller.path,
      name: round.request.name,
      request: requestDigest(round.request),
      answers: round.paused?.answers ?? {},
      expires: now + PATIENCE,
      nonce: this.#nextId(),
    }
    const text = JSON.stringify(paused)
    const most = isRelayed(facts) ? MOST_RELAYED : MOST_STATE
    if (text.length > most) {
      return deny('INVALID', `what this call has to remember is larger than ${most} bytes`, {
        hint: 'Answer more briefly, or ask for less.',
      })
    }
    return new PausedOutcome(plugin, questions, this.#sealer.seal(text, PURPOSE), paused, source)
  }

  /** Whether nobody has come back with this state, from now on final. */
  abandon(nonce: string): Maybe<boolean> {
    return this.#spent.add(nonce, REMEMBERED)
  }
}

const STALE = deny(
  'INVALID',
  'the request state is spent, expired, or belongs to another request',
  {
    hint: 'Call the tool again without `requestState`.',
  },
)

/** What the client answered, however deep the call is that asked. */
function responsesOf({ parent, request }: Round): Answer {
  return parent === undefined ? (request.responses ?? {}) : responsesOf(parent)
}

/** What clients know a question by: no two plugins share one. */
function wireKey(plugin: string, key: string): string {
  return `${plugin}/${key}`
}

function requestDigest({ text, params, method }: CallRequest): string {
  const members: [string, unknown][] = []
  for (let i = 0; i < params.length; i += 4) {
    const name = memberName(text, params, i)
    if (VOLATILE.has(name)) continue
    const source = memberText(text, params, i)
    // By value, so that a client may write it otherwise; by source where numbers lose digits as values.
    members.push([name, /\d{16}/.test(source) ? source : JSON.parse(source)])
  }
  return digest(method, Object.fromEntries(members))
}
