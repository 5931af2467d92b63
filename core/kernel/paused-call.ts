import type { Question, QuestionOutcome } from '../../sdk/index.ts'
import { digest } from '../catalog/digest.ts'
import { isObject } from '../wire/json.ts'
import type { Round } from './round.ts'

/** One answer, as the client's side gave it. */
export type Answer = Readonly<Record<string, unknown>>

/** What a paused call is resumed with: facts, sealed and bound to whom and what they are about. */
export interface PausedCall {
  readonly id: string
  /** Rounds so far. */
  readonly rounds: number
  /** When the call began, in milliseconds since the epoch. */
  readonly start: number
  readonly issuer: string
  readonly subject: string
  readonly path: string
  readonly name: string
  /** Of the client's `params`. */
  readonly request: string
  /** Of what the guards saw; `""` when the call did not reach them. */
  readonly judged: string
  /** The plugins whose `beforeCall` was reached. */
  readonly passed: readonly string[]
  /** By plugin, then by the plugin's own key. */
  readonly answers: Readonly<Record<string, Readonly<Record<string, Answer>>>>
  /** What was asked: key on the wire, plugin, the plugin's own key. */
  readonly asked: readonly (readonly [wire: string, plugin: string, key: string])[]
  readonly expires: number
  readonly nonce: string
  /** Calls inside this one that wait for the same answers. */
  readonly inside: readonly PausedCall[]
  /** Where an upstream asked: what its next round needs. */
  readonly relayed?: RelayedRound
}

/** How a round goes on that an upstream has paused: straight to it, with what it was sent before. */
export interface RelayedRound {
  readonly upstream: string
  /** The target's own name. */
  readonly name: string
  /** What shapers made of the arguments; absent when they are the client's own. */
  readonly args?: Readonly<Record<string, unknown>>
  /** The upstream's own `requestState`, if it gave one. */
  readonly state?: string
  /** What was asked: method by key. */
  readonly methods?: Readonly<Record<string, Question['method']>>
  /** Where the upstream's call is held, when it waits for the answers with its request open. */
  readonly held?: string
  /** What the client answered, as JSON, where the round it came in is over. */
  readonly responses?: string
}

/** A question with the state that its answer must bring back. */
export class PausedOutcome implements QuestionOutcome {
  readonly kind = 'question'
  readonly source: 'plugin' | 'upstream'
  readonly executed: boolean
  readonly plugin: string
  readonly questions: QuestionOutcome['questions']
  readonly state: string
  readonly paused: PausedCall
  /** The source text of the questions, when an upstream asked them. */
  readonly text: string | undefined

  constructor(
    plugin: string,
    questions: QuestionOutcome['questions'],
    state: string,
    paused: PausedCall,
    text?: string,
  ) {
    const relayed = plugin === ''
    this.source = relayed ? 'upstream' : 'plugin'
    // An upstream that asks has begun.
    this.executed = relayed
    this.text = text
    this.plugin = plugin
    this.questions = questions
    this.state = state
    this.paused = paused
  }
}

/** What the guards judge: where the call goes, and with what. */
export function judgedDigest({ target, args }: Round): string {
  return digest(target?.upstream, target?.name, args)
}

/** Only answers to what was asked count; what is missing will be asked again. */
export function withAnswers(paused: PausedCall, responses: Answer): PausedCall {
  const answers: Record<string, Record<string, Answer>> = {}
  for (const [plugin, known] of Object.entries(paused.answers)) answers[plugin] = { ...known }
  for (const [wire, plugin, key] of paused.asked) {
    const answer = Object.hasOwn(responses, wire) ? responses[wire] : undefined
    if (isObject(answer)) answers[plugin] = { ...answers[plugin], [key]: answer }
  }
  return { ...paused, answers }
}

/** A call inside with what it was answered so far: what the client answers from now on is not about it. */
export function answered(paused: PausedCall, responses: Answer, text: string): PausedCall {
  const inside = paused.inside.map((one) => answered(one, responses, text))
  const kept = { ...withAnswers(paused, responses), asked: [], inside }
  return paused.relayed === undefined
    ? kept
    : { ...kept, relayed: { responses: text, ...paused.relayed } }
}

/** Handles of the calls that servers hold for it, in it and inside it. */
export function heldIn({ relayed, inside }: Pick<PausedCall, 'relayed' | 'inside'>): string[] {
  return [...(relayed?.held === undefined ? [] : [relayed.held]), ...inside.flatMap(heldIn)]
}

/** Whether an upstream asked, in this call or inside it: its state may be large. */
export function isRelayed({ relayed, inside }: Pick<PausedCall, 'relayed' | 'inside'>): boolean {
  return relayed !== undefined || inside.some(isRelayed)
}
