import type {
  Event,
  HookName,
  Hooks,
  IdentityQuery,
  Maybe,
  Phase,
  PluginFailed,
} from '../../sdk/index.ts'
import { HookError } from './errors.ts'
import type { Wheel } from './wheel.ts'

/** One plugin line of the config, set up. */
export interface PluginLine {
  readonly id: string
  readonly phase: Phase | undefined
  readonly hooks: Hooks
  /** `skip`: the operator's word that a failure of this plugin may be passed over. */
  readonly onFailure: 'deny' | 'skip'
  /** Milliseconds per hook, in place of the defaults. */
  readonly timeouts: Partial<Record<HookName, number>>
  /** Names of the services it provides. */
  readonly provides?: readonly string[]
  /** Its place among those that start: providers first, backward to stop. As in the config when left out. */
  readonly turn?: number
}

/** The fields of plugins whose entries do work. */
export type OfferName = 'tools' | 'prompts' | 'resources'

/** One plugin's share in one hook. */
export interface Listener<H extends HookName> {
  readonly plugin: string
  readonly hook: H
  readonly run: NonNullable<Hooks[H]>
  readonly skip: boolean
  /** Milliseconds a returned promise may take. */
  readonly limit: number
}

/** One plugin's place on the way of a call. */
export interface Step {
  readonly plugin: string
  readonly before: Listener<'beforeCall'> | null
  readonly after: Listener<'afterCall'> | null
}

type Listeners = { readonly [H in HookName]: readonly Listener<H>[] | null }

const LIMITS: Partial<Record<HookName, number>> = {
  authenticate: 10_000,
  credentials: 30_000,
  refused: 30_000,
  start: 30_000,
  stop: 10_000,
}
const LIMIT = 2_000

/**
 * Hooks whose failures `onFailure: skip` passes over. Those that decide who may do what are not among them:
 * no operator can make them fail open.
 */
export const SKIPPABLE: readonly HookName[] = [
  'onRegister',
  'arrange',
  'present',
  'beforeCall',
  'afterCall',
  'onMessage',
  'settle',
  'routes',
]

/** Whether a hook's answer is still to come. */
export function isPromise<T>(value: Maybe<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && 'then' in value
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
  /** Who reads messages to clients: shapers in reverse, then guards. */
  readonly messages: readonly Listener<'onMessage'>[] | null
  /** Made at boot for the calls that come through to the end. */
  readonly #wholeWayBack: readonly Listener<'afterCall'>[]
  readonly #wheel: Wheel

  constructor(lines: readonly PluginLine[], wheel: Wheel) {
    this.#wheel = wheel
    const list = <H extends HookName>(hook: H): readonly Listener<H>[] | null =>
      orNull(lines.flatMap((line) => listener(line, hook) ?? []))
    const turns = [...lines].sort((a, b) => (a.turn ?? 0) - (b.turn ?? 0))
    const inTurn = <H extends 'start' | 'stop'>(hook: H): readonly Listener<H>[] | null =>
      orNull(turns.flatMap((line) => listener(line, hook) ?? []))
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
    this.messages = orNull(
      [
        ...lines.filter(({ phase }) => phase === 'shape').reverse(),
        ...lines.filter(({ phase }) => phase === 'guard'),
      ].flatMap((line) => listener(line, 'onMessage') ?? []),
    )
    this.shapers = steps(lines, 'shape')
    this.guards = steps(lines, 'guard')
    this.#wholeWayBack = wayBack(this.shapers, this.guards)
  }

  /** `afterCall` of those a call reached: the first so many shapers in reverse, then the first so many guards. */
  backward(shapers: number, guards: number): readonly Listener<'afterCall'>[] {
    const all = shapers === (this.shapers?.length ?? 0) && guards === (this.guards?.length ?? 0)
    return all ? this.#wholeWayBack : wayBack(this.shapers, this.guards, shapers, guards)
  }

  /** Tells every observer. Callers check `on.observe` first, so that no event is made for nobody. */
  emit(event: Event): void {
    for (const { plugin, run } of this.on.observe ?? []) {
      try {
        run(event)
      } catch (cause) {
        // An observer that fails on the report of its own failure would go round for ever.
        if (event.type !== 'plugin.failed') this.report(plugin, 'observe', cause, true)
      }
    }
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
      run(query: A): Maybe<R | undefined>
    }[],
    query: A,
    check: (value: R) => boolean,
    from = 0,
  ): Maybe<R | undefined> {
    for (let i = from; i < listeners.length; i++) {
      const one = listeners[i] as (typeof listeners)[number]
      let value: Maybe<R | undefined>
      try {
        value = one.run(query)
      } catch (cause) {
        throw this.failed(one.plugin, one.hook, cause, false)
      }
      if (isPromise(value)) {
        return this.settle(value, one).then((settled) =>
          settled == null
            ? this.first(listeners, query, check, i + 1)
            : this.#checked(one, settled, check),
        )
      }
      if (value != null) return this.#checked(one, value, check)
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
      if (isPromise(value)) value.catch(() => {})
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

  #checked<R>(one: { plugin: string; hook: HookName }, value: R, check: (value: R) => boolean): R {
    if (check(value)) return value
    const cause = new TypeError(`returned something that ${one.hook} may not return`)
    throw this.failed(one.plugin, one.hook, cause, false)
  }

  /** Waits for a listener's promise, no longer than its limit. @throws HookError */
  settle<T>(
    promise: Promise<T>,
    one: { plugin: string; hook: HookName | OfferName; limit: number; skip?: boolean },
  ): Promise<T> {
    return this.#wheel
      .limit(
        Promise.resolve(promise),
        one.limit,
        () => new Error(`did not settle within ${one.limit} ms`),
      )
      .catch((cause: unknown) => {
        throw this.failed(one.plugin, one.hook, cause, one.skip ?? false)
      })
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
    const event: PluginFailed = { type: 'plugin.failed', plugin, hook, cause, skipped }
    this.onFailure(event)
    if (this.on.observe !== null) this.emit(event)
  }
}

const isText = (value: unknown) => typeof value === 'string'

function listener<H extends HookName>(line: PluginLine, hook: H): Listener<H> | null {
  const run = line.hooks[hook]
  if (run === undefined) return null
  return {
    plugin: line.id,
    hook,
    // Bound, so that plugins written as objects with `this` work like those written as closures.
    run: (run as (...args: never[]) => unknown).bind(line.hooks) as NonNullable<Hooks[H]>,
    skip: line.onFailure === 'skip' && SKIPPABLE.includes(hook),
    limit: line.timeouts[hook] ?? LIMITS[hook] ?? LIMIT,
  }
}

function steps(lines: readonly PluginLine[], phase: Phase): readonly Step[] | null {
  return orNull(
    lines
      .filter((line) => line.phase === phase && (line.hooks.beforeCall || line.hooks.afterCall))
      .map((line) => ({
        plugin: line.id,
        before: listener(line, 'beforeCall'),
        after: listener(line, 'afterCall'),
      })),
  )
}

function wayBack(
  shapers: readonly Step[] | null,
  guards: readonly Step[] | null,
  reachedShapers?: number,
  reachedGuards?: number,
): readonly Listener<'afterCall'>[] {
  const back = (shapers ?? []).slice(0, reachedShapers).reverse()
  return [...back, ...(guards ?? []).slice(0, reachedGuards)].flatMap(({ after }) => after ?? [])
}

function orNull<T>(list: readonly T[]): readonly T[] | null {
  return list.length === 0 ? null : list
}
