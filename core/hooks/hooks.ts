import type { Event, HookName, IdentityQuery, Maybe, PluginFailed } from '../../sdk/index.ts'
import { HookError } from './errors.ts'
import { HookCounts } from './hook-counts.ts'
import {
  isApplied,
  type Listen,
  type Listener,
  listener,
  type Observers,
  observersOf,
  type PluginLine,
  type Step,
  steps,
  wayBack,
} from './listener.ts'
import type { Wheel } from './wheel.ts'

/** The fields of plugins whose entries do work. */
export type OfferName = 'tools' | 'prompts' | 'resources'

export { type Listener, type Mode, type PluginLine, SKIPPABLE, type Step } from './listener.ts'

type Listeners = { readonly [H in HookName]: readonly Listener<H>[] | null }

/** Whether a hook's answer is still to come. */
export function isPromise<T>(value: Maybe<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && 'then' in value
}

/** What must be said at once: nobody waits for a promise. @throws TypeError for one */
export function atOnce<T>(value: T): T {
  if (!isPromise<unknown>(value)) return value
  hear(value, () => {})
  throw new TypeError('returned a promise, and must answer at once')
}

/** Hears of the rejection of what nobody waits for: unheard it would end the process. */
export function hear(value: unknown, failed: (cause: unknown) => void): void {
  if (isPromise(value)) Promise.resolve(value).catch(failed)
}

/**
 * Every hook's listeners, in run order, made once at boot. A hook that nobody listens to is `null`
 * and costs one comparison.
 */
export class HookTable {
  readonly on: Listeners
  /** Forward order of the shapers; backward they run in reverse. */
  readonly shapers: readonly Step[] | null
  /** Both ways in this order. */
  readonly guards: readonly Step[] | null
  /** The plugins that are asked before a call is sent, those in shadow included. */
  readonly askedBefore: readonly string[]
  /** Who reads messages to clients: shapers in reverse, then guards. */
  readonly messages: readonly Listener<'onMessage'>[] | null
  /** The same in the order of what clients answer: shapers, then guards. */
  readonly answers: readonly Listener<'onMessage'>[] | null
  /** Who is told of what, in config order; `null` for events that nobody wants. */
  readonly observers: Observers
  /** `listFilter` of the lines in shadow. */
  readonly shadowFilters: readonly Listener<'listFilter'>[] | null
  /** Whether some plugin decides by a call's arguments, or may change them. */
  readonly judges: boolean
  /** What every plugin's hooks did so far: one for each that is asked anything. */
  readonly counts: readonly HookCounts[]
  /** Made at boot for the calls that come through to the end. */
  readonly #wholeWayBack: readonly Listener<'afterCall'>[]
  readonly #wheel: Wheel
  readonly #counts = new Map<string, HookCounts>()

  constructor(lines: readonly PluginLine[], wheel: Wheel) {
    this.#wheel = wheel
    const counts = this.#counts
    const listen: Listen = (line, hook) => {
      const key = `${line.id} ${hook}`
      const found = listener(line, hook, counts.get(key) ?? new HookCounts(line.id, hook, wheel))
      if (found !== null) counts.set(key, found.counts)
      return found
    }
    const list = <H extends HookName>(hook: H): readonly Listener<H>[] | null =>
      orNull(lines.flatMap((line) => (isApplied(line, hook) ? (listen(line, hook) ?? []) : [])))
    const turns = [...lines].sort((a, b) => (a.turn ?? 0) - (b.turn ?? 0))
    const inTurn = <H extends 'start' | 'stop'>(hook: H): readonly Listener<H>[] | null =>
      orNull(turns.flatMap((line) => listen(line, hook) ?? []))
    this.on = {
      onRegister: list('onRegister'),
      arrange: list('arrange'),
      listFilter: list('listFilter'),
      present: list('present'),
      beforeCall: list('beforeCall'),
      afterCall: list('afterCall'),
      onMessage: list('onMessage'),
      settle: list('settle'),
      authenticate: list('authenticate'),
      challenge: list('challenge'),
      identity: list('identity'),
      credentials: list('credentials'),
      refused: list('refused'),
      observe: list('observe'),
      routes: list('routes'),
      start: inTurn('start'),
      stop: inTurn('stop'),
      health: list('health'),
      status: list('status'),
    }
    const hears = (line: PluginLine) =>
      isApplied(line, 'onMessage') ? (listen(line, 'onMessage') ?? []) : []
    const shape = lines.filter(({ phase }) => phase === 'shape').flatMap(hears)
    const guard = lines.filter(({ phase }) => phase === 'guard').flatMap(hears)
    this.messages = orNull([...shape.toReversed(), ...guard])
    this.answers = orNull([...shape, ...guard])
    this.shapers = orNull(steps(lines, 'shape', listen))
    this.guards = orNull(steps(lines, 'guard', listen))
    const places = [...(this.shapers ?? []), ...(this.guards ?? [])]
    this.askedBefore = places.flatMap((one) => ((one.before ?? one.dry) === null ? [] : one.plugin))
    this.shadowFilters = orNull(
      lines.flatMap((line) =>
        isApplied(line, 'listFilter') ? [] : (listen(line, 'listFilter') ?? []),
      ),
    )
    this.observers = observersOf(lines, this.on.observe)
    this.judges = this.on.beforeCall !== null || this.on.afterCall !== null
    this.counts = [...counts.values()]
    this.#wholeWayBack = wayBack(this.shapers, this.guards)
  }

  /** `afterCall` of those a call reached: the first so many shapers in reverse, then the first so many guards. */
  backward(shapers: number, guards: number): readonly Listener<'afterCall'>[] {
    const all = shapers === (this.shapers?.length ?? 0) && guards === (this.guards?.length ?? 0)
    return all ? this.#wholeWayBack : wayBack(this.shapers, this.guards, shapers, guards)
  }

  /** Tells every observer. Callers check `observers` first, so that no event is made for nobody. */
  emit(event: Event): void {
    for (const { plugin, run } of this.observers[event.type] ?? []) {
      try {
        const told: unknown = run(event)
        if (isPromise(told)) hear(told, (cause) => this.#unobserved(plugin, event, cause))
      } catch (cause) {
        this.#unobserved(plugin, event, cause)
      }
    }
  }

  #unobserved(plugin: string, event: Event, cause: unknown): void {
    // An observer that fails on the report of its own failure would go round for ever.
    if (event.type !== 'plugin.failed') this.report(plugin, 'observe', cause, true)
  }

  /**
   * Runs a hook of kind *first*: the first listener that returns something ends it. Stays synchronous
   * until a listener returns a promise.
   * @param check whether a value is one the hook may return
   * @throws HookError when a listener throws, returns nonsense, or (as a rejection) does not settle in time
   */
  first<A, R>(
    listeners: readonly {
      plugin: string
      hook: HookName
      limit: number
      counts: HookCounts
      run(query: A): Maybe<R | undefined>
    }[],
    query: A,
    check: (value: R) => boolean,
    from = 0,
  ): Maybe<R | undefined> {
    for (let i = from; i < listeners.length; i++) {
      const one = listeners[i] as (typeof listeners)[number]
      const from = one.counts.begin()
      let value: Maybe<R | undefined>
      try {
        value = one.run(query)
      } catch (cause) {
        throw this.failed(one.plugin, one.hook, cause, false)
      }
      if (isPromise(value)) {
        return this.settle(value, one, from).then((settled) =>
          settled == null
            ? this.first(listeners, query, check, i + 1)
            : this.#said(one, settled, check),
        )
      }
      one.counts.end(from)
      if (value != null) return this.#said(one, value, check)
    }
    return undefined
  }

  /** Runs a synchronous hook of kind *first*. @throws HookError also when a listener returns a promise */
  firstNow<A, R>(
    listeners: readonly { plugin: string; hook: HookName; run(query: A): R | undefined }[],
    query: A,
    check: (value: R) => boolean,
  ): R | undefined {
    for (const one of listeners) {
      let value: R | undefined
      try {
        value = one.run(query)
      } catch (cause) {
        throw this.failed(one.plugin, one.hook, cause, false)
      }
      hear(value, () => {})
      if (value != null) return this.#checked(one, value, check)
    }
    return undefined
  }

  /**
   * Whose credentials an upstream sees of a caller; `""` when it is shared by all.
   * @throws HookError
   */
  identity(query: IdentityQuery): string {
    const { identity } = this.on
    return identity === null ? '' : (this.firstNow(identity, query, isText) ?? '')
  }

  #said<R>(
    one: { plugin: string; hook: HookName; counts: HookCounts },
    value: R,
    check: (value: R) => boolean,
  ): R {
    const checked = this.#checked(one, value, check)
    const { kind } = checked as { kind?: unknown }
    one.counts[kind === 'denial' || kind === 'ask' ? kind : 'answer']++
    return checked
  }

  #checked<R>(one: { plugin: string; hook: HookName }, value: R, check: (value: R) => boolean): R {
    if (check(value)) return value
    const cause = new TypeError(`returned something that ${one.hook} may not return`)
    throw this.failed(one.plugin, one.hook, cause, false)
  }

  /**
   * Waits for a listener's promise, no longer than its limit.
   * @param from what `counts.begin` gave, where runs are counted
   * @throws HookError
   */
  settle<T>(
    promise: Promise<T>,
    one: {
      plugin: string
      hook: HookName | OfferName
      limit: number
      skip?: boolean
      counts?: HookCounts
    },
    from?: number,
  ): Promise<T> {
    const settled = this.#wheel
      .limit(
        Promise.resolve(promise),
        one.limit,
        () => new Error(`did not settle within ${one.limit} ms`),
      )
      .catch((cause: unknown) => {
        throw this.failed(one.plugin, one.hook, cause, one.skip ?? false)
      })
    return from === undefined ? settled : (one.counts?.wait(settled, from) ?? settled)
  }

  /** Reports a failure and makes the error to throw. */
  failed(plugin: string, hook: HookName | OfferName, cause: unknown, skipped: boolean): HookError {
    this.report(plugin, hook, cause, skipped)
    return new HookError(plugin, hook, cause)
  }

  /** Called with every failure, for the log; set by the kernel's owner. */
  onFailure: (event: PluginFailed) => void = () => {}

  /** Makes a failure known to the log and the observers. */
  report(
    plugin: string,
    hook: HookName | OfferName | 'provide',
    cause: unknown,
    skipped: boolean,
  ): void {
    const counts = this.#counts.get(`${plugin} ${hook}`)
    if (counts !== undefined) counts.failures++
    const event: PluginFailed = { type: 'plugin.failed', plugin, hook, cause, skipped }
    this.onFailure(event)
    this.emit(event)
  }
}

const isText = (value: unknown) => typeof value === 'string'

function orNull<T>(list: readonly T[]): readonly T[] | null {
  return list.length === 0 ? null : list
}
