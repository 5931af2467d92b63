import type { Caller, Clock, Entry, Principal } from '../../sdk/index.ts'
import { printOf } from './assembly.ts'
import { digest } from './digest.ts'
import type { Archive, Discovery, ListedEntry } from './ports.ts'

/** Identities per upstream whose lists are in memory; the archive has the others. */
const MOST = 10_000
/** Principals per list that are told apart; beyond that the list goes with any of the others. */
const MOST_OWNERS = 1_000
/** Milliseconds before a server that could not be listed for somebody is asked again. */
const RETRY = 30_000

/** What one upstream lists for one credential identity. */
export interface OwnList {
  readonly upstream: string
  readonly identity: string
  /** `undefined` until the first list. */
  entries: readonly Entry[] | undefined
  /** Equal for equal entries. */
  version: string
  /** When it is to be read again, in milliseconds since the epoch. */
  staleAt: number
  reading: Promise<void> | undefined
  /** Grows when it is told to be old: what was asked for before does not make it new. */
  turn: number
  /** Principals that have seen it, as keys. */
  readonly owners: Set<string>
}

/** What own lists need of the catalog. */
export interface OwnListsParts {
  readonly clock: Clock
  readonly servers: Discovery
  readonly archive: Archive | undefined
  /** Milliseconds after which an upstream's list is read again. */
  readonly refresh: (upstream: string) => number
  /** What a list becomes in the catalog. */
  readonly enter: (upstream: string, listed: readonly ListedEntry[]) => Promise<readonly Entry[]>
  /** Called when a list is another one than before. */
  readonly changed: (list: OwnList) => void
}

/**
 * The lists of upstreams that show each credential identity its own: read when somebody needs them, kept
 * in the archive, and read again behind the back of whoever needs them when they have grown old.
 */
export class OwnLists {
  readonly #parts: OwnListsParts
  readonly #lists = new Map<string, OwnList>()
  /** Equal lists share their entries: a thousand users of one server cost what one does. */
  readonly #shared = new Map<string, readonly Entry[]>()
  /** When principals were told to forget, by key: what was archived before is not theirs any more. */
  readonly #dropped = new Map<string, number>()

  constructor(parts: OwnListsParts) {
    this.#parts = parts
  }

  /** What that identity's list is now. Begins to read it when nobody has, or when it is old. */
  need(upstream: string, identity: string, caller: Caller): OwnList {
    const key = keyOf(upstream, identity)
    let list = this.#lists.get(key)
    if (list === undefined) {
      this.#makeRoom()
      const owners = new Set<string>()
      list = { upstream, identity, entries: undefined, version: '', staleAt: 0, owners, ...IDLE }
      this.#lists.set(key, list)
    }
    if (list.owners.size < MOST_OWNERS) list.owners.add(principalKey(caller.principal))
    if (list.staleAt <= this.#parts.clock.now()) {
      list.reading ??= this.#read(list, caller).finally(() => {
        list.reading = undefined
      })
    }
    return list
  }

  /** The lists of this principal's identities are gone: whoever needs them next reads them anew. */
  drop(principal: Pick<Principal, 'issuer' | 'subject'>): void {
    const owner = principalKey(principal)
    this.#dropped.delete(owner)
    this.#dropped.set(owner, this.#parts.clock.now())
    if (this.#dropped.size > MOST) this.#dropped.delete(this.#dropped.keys().next().value as string)
    for (const [key, list] of this.#lists) {
      if (!list.owners.has(owner) && list.owners.size < MOST_OWNERS) continue
      this.#lists.delete(key)
      void this.#parts.archive?.remove(list.upstream, list.identity)
    }
  }

  /** These are read again when they are needed next. */
  refresh(upstream: string): void {
    for (const list of this.#lists.values()) {
      if (list.upstream !== upstream) continue
      list.staleAt = 0
      list.turn++
    }
  }

  async #read(list: OwnList, caller: Caller): Promise<void> {
    const { clock, archive, refresh } = this.#parts
    const { upstream, identity } = list
    if (list.entries === undefined) {
      const stored = await archive?.load(upstream, identity)
      const dropped = this.#dropped.get(principalKey(caller.principal)) ?? Number.NEGATIVE_INFINITY
      if (stored !== undefined && stored.at > dropped) {
        await this.#take(list, stored.entries)
        list.staleAt = stored.at + refresh(upstream)
        if (list.staleAt > clock.now()) return
        // Whoever waits has what there was; what is new comes behind.
        void this.#discover(list, caller)
        list.staleAt = clock.now() + RETRY
        return
      }
    }
    await this.#discover(list, caller)
  }

  async #discover(list: OwnList, caller: Caller): Promise<void> {
    const { clock, servers, archive, refresh } = this.#parts
    const { upstream, identity, turn } = list
    list.staleAt = clock.now() + RETRY
    const entries = await servers.discover(upstream, identity, caller)
    if (entries === undefined || !this.#isKept(list)) return
    list.staleAt = list.turn === turn ? clock.now() + refresh(upstream) : 0
    await this.#take(list, entries)
    if (this.#isKept(list)) await archive?.save(upstream, identity, { entries, at: clock.now() })
  }

  async #take(list: OwnList, listed: readonly ListedEntry[]): Promise<void> {
    const { enter, changed } = this.#parts
    const entries = await enter(list.upstream, listed)
    if (!this.#isKept(list)) return
    const version = digest(list.upstream, printOf(entries))
    const first = list.entries === undefined
    if (!first && version === list.version) return
    list.entries = this.#share(version, entries)
    list.version = version
    changed(list)
  }

  #share(version: string, entries: readonly Entry[]): readonly Entry[] {
    const known = this.#shared.get(version)
    if (known !== undefined) return known
    if (this.#shared.size >= MOST) this.#shared.clear()
    this.#shared.set(version, entries)
    return entries
  }

  #isKept(list: OwnList): boolean {
    return this.#lists.get(keyOf(list.upstream, list.identity)) === list
  }

  /** The one that was made first gives way, with what it has stored. */
  #makeRoom(): void {
    if (this.#lists.size < MOST) return
    this.#lists.delete(this.#lists.keys().next().value as string)
  }
}

const IDLE = { reading: undefined, turn: 0 }

/** Identities may hold anything, so they come last. */
function keyOf(upstream: string, identity: string): string {
  return `${upstream} ${identity}`
}

function principalKey({ issuer, subject }: Pick<Principal, 'issuer' | 'subject'>): string {
  return JSON.stringify([issuer, subject])
}
