import type { Caller, CatalogChanged, Clock, Entry, Principal } from '../../sdk/index.ts'
import type { HookTable } from '../hooks/hooks.ts'
import { Assembler, Assembly } from './assembly.ts'
import { NAME_MEMBER, rememberSource } from './entry-text.ts'
import { type NameRules, publicName } from './names.ts'
import { type OwnList, OwnLists } from './own-lists.ts'
import type { Archive, Discovery, ListedEntry } from './ports.ts'
import { register } from './registration.ts'
import { uriName } from './uris.ts'

/** What the config says about an upstream's names. */
export interface UpstreamNames {
  readonly id: string
  /** `""` for none. */
  readonly prefix: string
  /** Whether the tool of that original name is taken. */
  takes(name: string): boolean
  /** Original name → name to use in its place. */
  readonly rename: ReadonlyMap<string, string>
  /** Additional name → original name. */
  readonly alias: ReadonlyMap<string, string>
  /** Milliseconds after which its list is read again; 0 for never. */
  readonly refresh: number
}

interface Source {
  entries: readonly Entry[]
  /** Grows with every update, so that a slow `onRegister` cannot overwrite a newer list. */
  turn: number
  listed: boolean
  /** Whether the server lists this to anybody, without credentials. */
  open: boolean
}

/** What one caller's identities see. */
interface Seen {
  readonly assembly: Assembly
  /** The lists in it that are not everybody's. */
  readonly own: readonly OwnList[]
  readonly turn: number
  /** Milliseconds since the epoch. */
  readonly until: number
}

/** What the catalog is made of. */
export interface CatalogParts {
  /** In config order: the order of lists. */
  readonly upstreams: readonly UpstreamNames[]
  readonly rules: NameRules
  readonly hooks: HookTable
  /** What plugins offer themselves: an upstream's entry of the same name loses. */
  readonly offered: readonly Entry[]
  readonly clock: Clock
  readonly servers: Discovery
  /** Where the lists of identities are kept; nowhere when left out. */
  readonly archive: Archive | undefined
  /** Called after every change of what everybody sees; not a real one if only `complete` is another. */
  readonly changed: (real: boolean) => void
  /** Called when the callers of one identity see something else. */
  readonly ownChanged: (list: OwnList) => void
}

/** So many different catalogs are kept; where there are more, they are put together anew. */
const MOST_VARIANTS = 1_000
const EMPTY = new Assembly(new Map(), [])

/**
 * Every entry that exists, before any caller's filter. Built from the upstreams' lists whenever one
 * changes; the order in which they arrive makes no difference. Callers whose credential identities are
 * shown lists of their own see a variant of it.
 */
export class CatalogStore {
  revision = 0
  /** Whether every upstream has been listed at least once, or will not be soon. */
  complete = false
  #base = EMPTY
  #print = ''
  readonly #sources: ReadonlyMap<string, Source>
  readonly #names: ReadonlyMap<string, UpstreamNames>
  readonly #parts: CatalogParts
  readonly #assembler: Assembler
  readonly #own: OwnLists
  /** Grows with whatever may change what a caller sees. */
  #turn = 0
  #seen = new WeakMap<Caller, Seen>()
  readonly #variants = new Map<string, Assembly>()

  constructor(parts: CatalogParts) {
    const { upstreams, rules, hooks, offered, clock, servers, archive } = parts
    this.#parts = parts
    this.#sources = new Map(
      upstreams.map(({ id }) => [id, { entries: [], turn: 0, listed: false, open: false }]),
    )
    this.#names = new Map(upstreams.map((names) => [names.id, names]))
    this.#assembler = new Assembler(rules, hooks, offered)
    this.#own = new OwnLists({
      clock,
      servers,
      archive,
      refresh: (id) => this.#names.get(id)?.refresh || Number.POSITIVE_INFINITY,
      enter: (id, listed) => this.#enter(id, listed),
      changed: (list) => {
        this.#turn++
        parts.ownChanged(list)
      },
    })
  }

  /** What is in everybody's catalog. */
  get entries(): readonly Entry[] {
    return this.#base.entries
  }

  /** Names that two upstreams claim; neither is listed nor callable. */
  get collisions(): readonly string[] {
    return this.#base.collisions
  }

  /** Takes in what plugins offer, before any upstream has been listed. */
  begin(): void {
    if (this.#parts.offered.length > 0) this.#rebuild()
  }

  /** What this caller's identities see. @throws HookError when `identity` fails */
  of(caller: Caller): Assembly {
    return this.#parts.hooks.on.identity === null ? this.#base : this.#see(caller).assembly
  }

  /** Resolves when what the caller's identities see has been read once; `undefined` when it has been. */
  waiting(caller: Caller): Promise<unknown> | undefined {
    if (this.#parts.hooks.on.identity === null) return undefined
    const { own } = this.#see(caller)
    const reading = own.flatMap((list) => (list.entries === undefined ? (list.reading ?? []) : []))
    return reading.length === 0 ? undefined : Promise.all(reading)
  }

  /** Whether what the caller sees has lists of its identities in it. @throws HookError when `identity` fails */
  hasOwn(caller: Caller): boolean {
    return this.#parts.hooks.on.identity !== null && this.#see(caller).own.length > 0
  }

  /** Whether the caller sees that list. */
  sees(caller: Caller, list: OwnList): boolean {
    return this.#seen.get(caller)?.own.includes(list) ?? false
  }

  /** Asks for identities anew; the lists of that principal's own are gone. */
  invalidate(scope?: Pick<Principal, 'issuer' | 'subject'>): void {
    this.#turn++
    if (scope !== undefined) this.#own.drop(scope)
  }

  /** The upstream's lists of single identities are read again when they are needed next. */
  refresh(upstream: string): void {
    this.#turn++
    this.#own.refresh(upstream)
  }

  /**
   * Takes an upstream's whole list in place of its former one. Never rejects; failures are reported.
   * @param open whether the server lists this to anybody, without credentials: then it is also what an
   *   identity sees that has no list of its own yet
   */
  async update(upstream: string, listed: readonly ListedEntry[], open: boolean): Promise<void> {
    const source = this.#sources.get(upstream)
    if (source === undefined) return
    const turn = ++source.turn
    const entries = await this.#enter(upstream, listed)
    if (turn !== source.turn) return
    source.entries = entries
    source.listed = true
    if (source.open !== open) this.#forgetVariants()
    source.open = open
    this.#rebuild()
  }

  /** An upstream that has nothing to list (disabled, or down before its first list) holds nobody up. */
  settle(upstream: string): void {
    const source = this.#sources.get(upstream)
    if (source !== undefined) source.listed = true
    if (!this.complete && this.#allListed()) {
      this.complete = true
      this.#parts.changed(false)
    }
  }

  /** The event that tells of the present state. */
  event(): CatalogChanged {
    const { revision, entries, collisions, complete } = this
    return { type: 'catalog.changed', revision, entries, collisions, complete }
  }

  #see(caller: Caller): Seen {
    const known = this.#seen.get(caller)
    const { hooks, clock } = this.#parts
    if (known !== undefined && known.turn === this.#turn && known.until > clock.now()) return known
    const turn = this.#turn
    const own = new Map<string, OwnList>()
    for (const upstream of this.#sources.keys()) {
      const identity = hooks.identity({ upstream, caller })
      if (identity !== '') own.set(upstream, this.#own.need(upstream, identity, caller))
    }
    const lists = [...own.values()]
    const until = Math.min(...lists.map(({ staleAt }) => staleAt))
    const assembly = lists.length === 0 ? this.#base : this.#variant(own)
    const seen = { assembly, own: lists, turn, until }
    this.#seen.set(caller, seen)
    return seen
  }

  /** The catalog with these lists in place of everybody's. */
  #variant(own: ReadonlyMap<string, OwnList>): Assembly {
    const key = JSON.stringify([...own].map(([upstream, { version }]) => [upstream, version]))
    let variant = this.#variants.get(key)
    if (variant === undefined) {
      const arrived = [...this.#sources].flatMap(([id, { entries, open }]) => {
        const list = own.get(id)
        return list === undefined ? entries : (list.entries ?? (open ? entries : []))
      })
      variant = this.#assembler.assemble(arrived) ?? EMPTY
      if (this.#variants.size >= MOST_VARIANTS) this.#variants.clear()
      this.#variants.set(key, variant)
    }
    return variant
  }

  async #enter(upstream: string, listed: readonly ListedEntry[]): Promise<readonly Entry[]> {
    const names = this.#names.get(upstream) as UpstreamNames
    const arrived = listed.flatMap((one) => this.#name(names, one))
    const { hooks } = this.#parts
    return hooks.on.onRegister === null ? arrived : register(hooks, arrived)
  }

  /** One listed entry as those it makes: itself, and of a tool its aliases. */
  #name(names: UpstreamNames, { kind, definition, text }: ListedEntry): Entry[] {
    const { rules } = this.#parts
    const original = definition[NAME_MEMBER[kind]] as string
    if (kind !== 'tool') {
      rememberSource(definition, text)
      // URIs stay as they are: what they stand for is part of them.
      const name =
        kind === 'prompt' ? publicName(rules, names.prefix, original) : uriName(names.id, original)
      const targets = [{ upstream: names.id, name: original, publicName: name }]
      return [{ kind, name, definition, targets }]
    }
    if (!names.takes(original)) return []
    rememberSource(definition, text)
    const name = publicName(rules, names.prefix, names.rename.get(original) ?? original)
    const targets = [{ upstream: names.id, name: original, publicName: name }]
    const entries: Entry[] = [{ kind, name, definition, targets }]
    for (const [alias, of] of names.alias) {
      if (of !== original) continue
      const aliased = publicName(rules, names.prefix, alias)
      entries.push({ kind, name: aliased, definition, targets })
    }
    return entries
  }

  #rebuild(): void {
    const arrived = [...this.#sources.values()].flatMap((source) => source.entries)
    const assembly = this.#assembler.assemble(arrived)
    if (assembly === undefined) return
    const print = assembly.print()
    const real = print !== this.#print
    const complete = this.complete || this.#allListed()
    if (!real && complete === this.complete) return
    this.complete = complete
    if (real) {
      this.#print = print
      this.#base = assembly
      this.#forgetVariants()
      this.revision++
    }
    this.#parts.changed(real)
  }

  #forgetVariants(): void {
    this.#variants.clear()
    this.#turn++
  }

  #allListed(): boolean {
    return [...this.#sources.values()].every((source) => source.listed)
  }
}
