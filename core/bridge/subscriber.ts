import { type Caller, type Denial, deny, type Failure } from '../../sdk/index.ts'
import type { ListWatcher } from '../kernel/ports.ts'
import type { ResourceUpdate, Subscriber, UpdateReader } from '../kernel/subscriptions.ts'
import { type Due, Subscribed, told } from './due.ts'
import type { Place, Source, Sources } from './sources.ts'

/** Characters. Longer URIs can be read, not subscribed to. */
const LONGEST = 2_048
/** Updates that wait for a reader, besides those of what it subscribed to itself: servers name any number below. */
const MOST_BELOW = 1_000

/** What one stream or session wants to be told of, and what it has yet to be told. */
export class OneSubscriber implements Subscriber, ListWatcher {
  readonly #sources: Sources
  readonly #wishes = new Map<string, Subscribed>()
  /** What happened since the reader was told last, once per URI. */
  readonly #due = new Map<string, Due>()
  readonly #unwatch: () => void
  #caller: Caller
  #reader: UpdateReader | undefined
  #telling = false
  #looking: Promise<void> | undefined
  #lookAgain = false
  #closed = false

  constructor(sources: Sources, caller: Caller) {
    this.#sources = sources
    this.#caller = caller
    this.#unwatch = sources.kernel.watch(this)
  }

  /** Who is judged: whoever reads, and before anybody did, whoever subscribed. */
  get caller(): Caller {
    return this.#reader?.caller ?? this.#caller
  }

  get uris(): Iterable<string> {
    return this.#wishes.keys()
  }

  async add(uri: string, caller: Caller): Promise<Denial | Failure | undefined> {
    if (this.#wishes.has(uri)) return undefined
    if (uri.length > LONGEST) {
      const hint = 'Read the resource again when you need it.'
      const reason = `URIs of more than ${LONGEST} characters cannot be subscribed to`
      return deny('INVALID', reason, { hint })
    }
    const places = await this.#sources.places(caller, uri)
    if (places === undefined) {
      const hint = 'List the resources again and use one of their names.'
      return deny('NOT_FOUND', `Resource not found: ${uri}`, { hint })
    }
    const telling = this.#ofTellers(places)
    if (telling.length === 0) {
      const hint = 'Read it again when you need it.'
      const reason = `${uri} cannot be subscribed to: its server tells nobody when it changes`
      return deny('INVALID', reason, { hint })
    }
    // Another request for it may have come in meanwhile.
    if (this.#wishes.has(uri)) return undefined
    if (this.#closed) {
      return deny('UNAVAILABLE', 'The subscriber is gone', { hint: 'Subscribe again.' })
    }
    const { principal } = caller
    const full = this.#sources.take(principal)
    if (full !== undefined) return full
    const wish = new Subscribed(uri, principal, (...heard) => this.#heard(...heard))
    this.#wishes.set(uri, wish)
    let answers: Promise<Denial | Failure | undefined>[]
    try {
      answers = this.#point(wish, telling, caller)
    } catch (cause) {
      this.remove(uri)
      throw cause
    }
    const refusals = (await Promise.all(answers)).flatMap((answer) => answer ?? [])
    if (refusals.length === 0 || refusals.length < answers.length) return undefined
    if (this.#wishes.get(uri) === wish) this.remove(uri)
    return named(refusals[0] as Denial | Failure, uri)
  }

  remove(uri: string): void {
    const wish = this.#wishes.get(uri)
    if (wish === undefined) return
    this.#wishes.delete(uri)
    this.#sources.give(wish.owner)
    this.#leave(wish)
    for (const [key, due] of this.#due) if (due.wish === wish) this.#due.delete(key)
  }

  restore(uris: Iterable<string>): void {
    const { principal } = this.caller
    for (const uri of uris) {
      if (this.#closed || this.#wishes.has(uri)) continue
      if (this.#sources.take(principal) !== undefined) break
      const wish = new Subscribed(uri, principal, (...heard) => this.#heard(...heard))
      this.#wishes.set(uri, wish)
      this.#missed(wish)
    }
    this.listsMayHaveChanged()
  }

  attach(reader: UpdateReader): void {
    this.#reader = reader
    // Who reads now may read other things than who did before.
    this.listsMayHaveChanged()
    void this.#tell()
  }

  detach(reader: UpdateReader): void {
    if (this.#reader !== reader) return
    this.#caller = reader.caller
    this.#reader = undefined
  }

  resume(): void {
    void this.#tell()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#reader = undefined
    this.#unwatch()
    for (const uri of [...this.#wishes.keys()]) this.remove(uri)
  }

  listsMayHaveChanged(): void {
    if (this.#wishes.size === 0) return
    if (this.#looking !== undefined) {
      this.#lookAgain = true
      return
    }
    this.#looking = this.#look().finally(() => {
      this.#looking = undefined
      if (!this.#lookAgain) return
      this.#lookAgain = false
      this.listsMayHaveChanged()
    })
  }

  #ofTellers(places: readonly Place[]): readonly Place[] {
    return places.filter(({ upstream }) => this.#sources.servers.tells(upstream) !== false)
  }

  /** Servers are asked for what this caller may read, where it may read it now. */
  async #look(): Promise<void> {
    for (const wish of [...this.#wishes.values()]) {
      const before = wish.sources
      try {
        const places = (await this.#sources.places(this.caller, wish.uri)) ?? []
        if (this.#wishes.get(wish.uri) !== wish) continue
        this.#point(wish, this.#ofTellers(places), this.caller)
      } catch (cause) {
        this.#sources.kernel.fault(cause, '')
        this.#leave(wish)
      }
      // What is elsewhere now, or was not to be had before, may be something else.
      if (wish.sources.some((source) => !before.includes(source))) this.#missed(wish)
    }
  }

  /** What is told of the wish comes from these places from now on. @returns what servers say to it, of new ones */
  #point(
    wish: Subscribed,
    places: readonly Place[],
    caller: Caller,
  ): Promise<Denial | Failure | undefined>[] {
    const before = wish.sources
    const sources = this.#sources.of(places, caller)
    wish.sources = sources
    const answers = sources
      .filter((source) => !before.includes(source))
      .map((source) => this.#sources.join(source, wish))
    // Only now: what stays is not to be asked for anew.
    for (const source of before) if (!sources.includes(source)) this.#sources.leave(source, wish)
    return answers
  }

  #leave(wish: Subscribed): void {
    for (const source of wish.sources) this.#sources.leave(source, wish)
    wish.sources = []
  }

  #missed(wish: Subscribed): void {
    this.#due.set(JSON.stringify([wish.uri]), { wish })
    void this.#tell()
  }

  #heard(wish: Subscribed, source: Source, update: ResourceUpdate): void {
    const { upstream, own } = source
    const itself = update.uri === own
    if (!itself && this.#hears(upstream, update.uri)) return
    const folded = !itself && this.#due.size >= this.#wishes.size + MOST_BELOW
    if (itself || folded) {
      const about = itself ? update : { uri: own }
      this.#due.set(JSON.stringify([wish.uri]), { wish, from: source, update: about })
    } else {
      const key = JSON.stringify([upstream, update.uri])
      this.#due.set(key, { wish, from: source, update })
    }
    void this.#tell()
  }

  /** Whether it subscribed to that itself: then it is told under that name. */
  #hears(upstream: string, own: string): boolean {
    for (const { sources } of this.#wishes.values())
      if (sources.some((one) => one.upstream === upstream && one.own === own)) return true
    return false
  }

  /** Tells what is due, one after the other, as long as the reader keeps up. */
  async #tell(): Promise<void> {
    if (this.#telling) return
    this.#telling = true
    try {
      for (;;) {
        const reader = this.#reader
        const [first] = this.#due
        if (first === undefined || !reader?.keepsUp) return
        const [key, due] = first
        this.#due.delete(key)
        const judged = await told(this.#sources, this.caller, due)
        if (judged === undefined || this.#wishes.get(due.wish.uri) !== due.wish) continue
        if (this.#reader === reader) reader.updated(judged)
        else if (!this.#due.has(key)) this.#due.set(key, due)
      }
    } finally {
      this.#telling = false
    }
  }
}

/** A server's error names the resource as its client does. */
function named<T extends Denial | Failure>(refusal: T, uri: string): T | Failure {
  if (refusal.kind !== 'failure' || refusal.error === undefined) return refusal
  const { data } = refusal.error
  if (typeof data !== 'object' || data === null || !('uri' in data)) return refusal
  const { kind, code, message, hint, executed } = refusal
  return {
    kind,
    code,
    message,
    hint,
    executed,
    error: { ...refusal.error, data: { ...data, uri } },
  }
}
