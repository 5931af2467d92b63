import type { Call, Caller, Entry, Question, Target } from '../../../sdk/index.ts'
import type { Round } from '../../kernel/round.ts'
import type { DryRun, DryRuns } from './dry-runs.ts'

const NO_ANSWERS: Call['answers'] = Object.freeze({})

/** A call as it stands at one plugin's place, for a plugin whose word is not applied. */
export class DryCall implements Call {
  readonly dry = true
  readonly answers = NO_ANSWERS
  readonly first: boolean
  readonly target: Target | undefined
  readonly args: Readonly<Record<string, unknown>>
  readonly #round: Round
  readonly #runs: DryRuns
  readonly #run: DryRun

  constructor(round: Round, runs: DryRuns, run: DryRun) {
    this.#round = round
    this.#runs = runs
    this.#run = run
    // The round goes on meanwhile: others may change these.
    this.target = round.target
    this.args = round.args
    this.first = round.isFirst(run.plugin)
  }

  get id(): string {
    return this.#round.id
  }

  get method(): Call['method'] {
    return this.#round.method
  }

  get caller(): Caller {
    return this.#round.caller
  }

  get entry(): Entry {
    return this.#round.entry
  }

  get candidates(): readonly Target[] {
    return this.#round.candidates
  }

  get audience(): string {
    return this.#round.identify(this.target, this.caller)
  }

  get depth(): number {
    return this.#round.depth
  }

  get meta(): Call['meta'] {
    return this.#round.meta
  }

  get signal(): AbortSignal {
    return this.#round.signal
  }

  canAsk(method: Question['method'], mode?: 'form' | 'url'): boolean {
    return this.#round.canAsk(method, mode)
  }

  onEnd(run: () => void): void {
    this.#round.onEnd(() => this.#runs.enter(this.#run, run, undefined))
  }
}
