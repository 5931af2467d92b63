import type { Caller, Clock, Filter, Maybe, Presentation, Principal } from '../../sdk/index.ts'
import type { HookCounts } from '../hooks/hook-counts.ts'
import { type HookTable, isPromise, type Listener } from '../hooks/hooks.ts'
import { isObject } from '../wire/json.ts'

interface Answers {
  listFilter: Filter
  present: Presentation
}

/** One plugin's answer about a caller. */
export interface Bound<T> {
  readonly plugin: string
  /** Whether a failure of it may be passed over. */
  readonly skip: boolean
  readonly counts: HookCounts
  readonly value: T
}

/** Every plugin's answer about a caller. */
export interface Gathered<T> {
  /** Equal for callers with equal answers. */
  readonly key: string
  readonly answers: readonly Bound<T>[]
  /** Whether it was overtaken by an invalidation: good for one request, not for keeping. */
  readonly stale: boolean
}

interface Kept<T> {
  readonly gathered: Gathered<T>
  /** Milliseconds since the epoch. */
  readonly until: number
  /** Which question of all this answers. */
  readonly asked: number
}

/** What an answer of each hook must be able to do besides having a key. */
const WORK = { listFilter: 'test', present: 'apply' } as const

/** So many principals are forgotten one by one; beyond that it is cheaper to forget all. */
const MOST_SCOPES = 10_000

type Scope = Pick<Principal, 'issuer' | 'subject'>

/** The answers of one hook about each caller, asked for once and kept until they may differ. */
export class Gathering<H extends keyof Answers> {
  readonly #hooks: HookTable
  readonly #hook: H
  readonly #listeners: readonly Listener<H>[]
  readonly #clock: Clock
  readonly #kept = new WeakMap<Caller, Kept<Answers[H]>>()
  /** Questions are counted; an answer is good if it was asked after the last invalidation it falls under. */
  #asked = 1
  #all = 0
  readonly #some = new Map<string, number>()

  /** @param listeners whom to ask; those of the hook table when left out */
  constructor(hooks: HookTable, hook: H, clock: Clock, listeners?: readonly Listener<H>[]) {
    this.#hooks = hooks
    this.#hook = hook
    this.#listeners = listeners ?? (hooks.on[hook] as readonly Listener<H>[] | null) ?? []
    this.#clock = clock
  }

  /** @throws HookError, or rejects with it */
  of(caller: Caller): Maybe<Gathered<Answers[H]>> {
    const kept = this.#kept.get(caller)
    if (kept !== undefined && kept.asked > this.#since(caller) && kept.until > this.#clock.now()) {
      return kept.gathered
    }
    const asked = ++this.#asked
    const found = this.#gather(caller, 0, [])
    if (isPromise(found)) return found.then((all) => this.#keep(caller, asked, all))
    return this.#keep(caller, asked, found)
  }

  /** Forgets the answers, all or those about one principal. */
  invalidate(scope?: Scope): void {
    if (scope !== undefined && this.#some.size < MOST_SCOPES) {
      this.#some.set(keyOf(scope), this.#asked)
    } else {
      this.#all = this.#asked
      this.#some.clear()
    }
  }

  #since({ principal }: Caller): number {
    if (this.#some.size === 0) return this.#all
    return Math.max(this.#all, this.#some.get(keyOf(principal)) ?? 0)
  }

  #keep(
    caller: Caller,
    asked: number,
    answers: readonly Bound<Answers[H]>[],
  ): Gathered<Answers[H]> {
    const key = JSON.stringify(answers.map(({ plugin, value }) => [plugin, value.key]))
    const stale = asked <= this.#since(caller)
    const gathered = { key, answers, stale }
    const until = Math.min(...answers.map(({ value }) => value.until ?? Number.POSITIVE_INFINITY))
    if (!stale) this.#kept.set(caller, { gathered, until, asked })
    return gathered
  }

  #gather(caller: Caller, from: number, found: Bound<Answers[H]>[]): Maybe<Bound<Answers[H]>[]> {
    const listeners = this.#listeners
    for (let i = from; i < listeners.length; i++) {
      const one = listeners[i] as (typeof listeners)[number]
      const { counts } = one
      const take = (value: unknown) => {
        if (value == null) return
        // Callers share answers by their keys: one without a key would be everybody's.
        if (isAnswer(value, WORK[this.#hook])) {
          const answer = value as unknown as Answers[H]
          counts.answer++
          found.push({ plugin: one.plugin, skip: one.skip, counts, value: answer })
        } else {
          const cause = new TypeError(`returned no {key, ${WORK[this.#hook]}}`)
          const error = this.#hooks.failed(one.plugin, this.#hook, cause, one.skip)
          if (!one.skip) throw error
        }
      }
      const start = counts.begin()
      let value: unknown
      try {
        value = one.run(caller)
      } catch (cause) {
        const error = this.#hooks.failed(one.plugin, this.#hook, cause, one.skip)
        if (!one.skip) throw error
        continue
      }
      if (isPromise(value)) {
        const passOver = (error: unknown) => {
          if (!one.skip) throw error
        }
        return this.#hooks
          .settle(value, one, start)
          .then(take, passOver)
          .then(() => this.#gather(caller, i + 1, found))
      }
      counts.end(start)
      take(value)
    }
    return found
  }
}

/** Whether a value is what `listFilter` may return. */
export function isFilter(value: unknown): boolean {
  return isAnswer(value, WORK.listFilter)
}

function isAnswer(value: unknown, work: string): value is Record<string, unknown> {
  return isObject(value) && typeof value.key === 'string' && typeof value[work] === 'function'
}

function keyOf({ issuer, subject }: Scope): string {
  return `${issuer} ${subject}`
}
