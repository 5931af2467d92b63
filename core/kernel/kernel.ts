import type {
  Authenticated,
  AuthRequest,
  Caller,
  CatalogChanged,
  Challenge,
  Clock,
  Denial,
  EntryKind,
  Event,
  Maybe,
  NestedListOptions,
  Outcome,
  PermittedEntry,
  Principal,
} from '../../sdk/index.ts'
import { CatalogStore, type UpstreamNames } from '../catalog/catalog.ts'
import { ListFreshness } from '../catalog/freshness.ts'
import { Lists, type ShownList } from '../catalog/lists.ts'
import type { NameRules } from '../catalog/names.ts'
import type { Archive } from '../catalog/ports.ts'
import { Views } from '../catalog/view.ts'
import { HookTable, isPromise, type PluginLine } from '../hooks/hooks.ts'
import type { Wheel } from '../hooks/wheel.ts'
import { Authentication } from './authentication.ts'
import { CallPath } from './call.ts'
import { Callers } from './caller.ts'
import { instructionsOf } from './instructions.ts'
import { NestedExchange, nestedRequest, refuseNested } from './nested.ts'
import { Offers } from './offers.ts'
import { Pauses, type Spent } from './pauses.ts'
import { PlacedServers } from './placed-servers.ts'
import type {
  ArgumentCheck,
  CallRequest,
  Exchange,
  HeldCalls,
  ListWatcher,
  Sealer,
  Servers,
  Traces,
  Vault,
} from './ports.ts'
import { Reports } from './reports.ts'
import type { Round } from './round.ts'
import type { MakeShadows, Shadows } from './shadows.ts'
import { PluginVault } from './vault.ts'

/** What a kernel is made of; the boot room brings it. */
export interface KernelParts {
  readonly clock: Clock
  readonly wheel: Wheel
  readonly lines: readonly PluginLine[]
  readonly upstreams: readonly UpstreamNames[]
  readonly names: NameRules
  readonly servers: Servers
  /** Keeps what upstreams list for single identities; only memory does when left out. */
  readonly archive?: Archive | undefined
  /** Judges what plugins' own tools are called with, by their `inputSchema`. */
  readonly argumentCheck: (schema: object) => ArgumentCheck
  readonly sealer: Sealer
  /** Which states of paused calls were spent. */
  readonly spent: Spent
  /** Who traces calls, if somebody does. */
  readonly traces: Traces | null
  /** Milliseconds for which lists may be kept whose servers do not say so; 0 when left out. */
  readonly listTtl?: number
  /** Keeps calls whose servers wait for answers; none does when left out. */
  readonly holds?: HeldCalls | undefined
  /** Makes ids that are unique in this process. */
  readonly nextId: () => string
  /** Called when lines are in shadow; nobody asks them anything when left out. */
  readonly shadows?: MakeShadows
  /** Told of what made a request fail: a throw in the gateway's own code, or a HookError. */
  readonly fault: (cause: unknown, requestId: string) => void
}

/** What the other rooms talk to: who calls, what they may list, what they call. */
export class Kernel {
  readonly hooks: HookTable
  readonly catalog: CatalogStore
  readonly callers = new Callers()
  readonly views: Views
  readonly lists: Lists
  /** Told how long servers' lists may be kept. */
  readonly freshness: ListFreshness
  /** `null`: no line is in shadow. */
  readonly shadows: Shadows | null
  /** The kinds of entries that there can be. */
  readonly serves: ReadonlySet<EntryKind>
  /** Whether there are servers, which may complete arguments and log. */
  readonly hasServers: boolean
  /** Calls whose servers wait for answers. */
  readonly holds: HeldCalls | undefined
  /** What plugins know of credentials. */
  readonly vault: Vault
  /** Called after every change of the catalog; set by the kernel's owner. */
  onCatalog: (event: CatalogChanged) => void = () => {}
  /** Told of what made a request fail. */
  readonly fault: (cause: unknown, requestId: string) => void
  readonly #path: CallPath
  readonly #servers: Servers
  readonly #authentication: Authentication
  readonly #reports: Reports
  readonly #watchers = new Set<ListWatcher>()
  /** Whether what one caller reads may be another than what others do. */
  readonly answersDiffer: boolean

  constructor(parts: KernelParts) {
    const { clock, servers, nextId, fault } = parts
    this.fault = fault
    this.#servers = servers
    this.holds = parts.holds
    this.hooks = new HookTable(parts.lines, parts.wheel)
    const enforced = parts.lines.filter(({ mode }) => mode !== 'shadow')
    this.#authentication = new Authentication(this.hooks, clock)
    const offers = new Offers(enforced, this.hooks, parts.argumentCheck)
    this.catalog = new CatalogStore({
      upstreams: parts.upstreams,
      rules: parts.names,
      hooks: this.hooks,
      offered: offers.entries,
      clock,
      servers,
      archive: parts.archive,
      changed: (real) => {
        const event = this.catalog.event()
        this.emit(event)
        this.onCatalog(event)
        if (real) this.invalidate()
      },
      ownChanged: (list) => this.#tell((caller) => this.catalog.sees(caller, list)),
    })
    const { kinds } = offers
    const ids = parts.upstreams.map(({ id }) => id)
    const offered = new Set(offers.entries.map(({ kind }) => kind))
    this.freshness = new ListFreshness(ids, offered, parts.listTtl ?? 0, clock)
    this.serves = new Set(parts.upstreams.length > 0 ? EVERY_KIND : kinds)
    this.hasServers = parts.upstreams.length > 0
    this.views = new Views(this.hooks, clock)
    this.lists = new Lists(this.catalog, this.views, this.hooks, clock)
    const isShadowed = enforced.length < parts.lines.length
    this.shadows = (isShadowed && parts.shadows?.(this.hooks, clock)) || null
    const { hooks, catalog, views, shadows } = this
    this.#reports = new Reports(hooks, clock, nextId)
    const reports = this.#reports
    const pauses = new Pauses(parts.sealer, parts.spent, clock, nextId)
    const vault = new PluginVault(hooks, pauses)
    this.vault = vault
    this.#path = new CallPath({
      catalog,
      views,
      hooks,
      servers: new PlacedServers(servers, catalog),
      vault,
      traces: parts.traces,
      holds: parts.holds,
      reports,
      pauses,
      offers,
      shadows,
      wheel: parts.wheel,
      nextId,
      fault,
    })
    const { credentials, beforeCall, afterCall } = hooks.on
    this.answersDiffer =
      this.lists.differ || credentials !== null || beforeCall !== null || afterCall !== null
    this.catalog.begin()
  }

  /**
   * Who sends a request.
   * @throws HookError, or rejects with it
   */
  authenticate(request: AuthRequest): Maybe<Authenticated | Denial> {
    return this.#authentication.authenticate(request)
  }

  /** How to authenticate, told with a refusal. */
  challenges(request: AuthRequest, denial: Denial): Challenge[] {
    return this.#authentication.challenges(request, denial)
  }

  /** Runs one call to its end. Never throws, never rejects. */
  call(request: CallRequest, caller: Caller, exchange: Exchange): Maybe<Outcome> {
    return this.#path.call(request, caller, exchange)
  }

  /** Runs a call that a plugin makes inside another. Never throws, never rejects. */
  nested(
    caller: Caller,
    name: string,
    args: Readonly<Record<string, unknown>>,
    parent: Round,
  ): Maybe<Outcome> {
    const request = nestedRequest(name, args)
    const refused = refuseNested(parent, caller, request)
    return refused ?? this.#path.call(request, caller, new NestedExchange(parent))
  }

  /**
   * What this caller may call, as a plugin wants to see it.
   * @param plugin the one that asks
   * @throws HookError, or rejects with it
   */
  permitted(
    caller: Caller,
    { kinds = ['tool'], present = 'none' }: NestedListOptions = {},
    plugin: string,
  ): Maybe<readonly PermittedEntry[]> {
    const shows = (presenter: string) =>
      present === 'all' || (present === 'others' && presenter !== plugin)
    const entries = this.lists.entries(caller, shows)
    const wanted = (all: readonly PermittedEntry[]) =>
      all.filter(({ kind }) => kinds.includes(kind))
    return isPromise(entries) ? entries.then(wanted) : wanted(entries)
  }

  /** The extensions of connected servers that clients are to know of, with their settings. */
  get extensions(): Readonly<Record<string, unknown>> {
    return this.#servers.extensions()
  }

  /** What this caller lists. @throws HookError, or rejects with it */
  list(caller: Caller): Maybe<ShownList> {
    return this.lists.of(caller)
  }

  /**
   * What the servers of which this caller may use anything say about how they are meant to be used; `''`
   * when none says anything.
   * @throws HookError, or rejects with it
   */
  instructions(caller: Caller): Maybe<string> {
    const said = this.#servers.instructions()
    if (said.size === 0) return ''
    const entries = this.lists.entries(caller, () => true)
    const used = (all: readonly PermittedEntry[]) => instructionsOf(said, all)
    return isPromise(entries) ? entries.then(used) : used(entries)
  }

  /**
   * Told before a list is answered.
   * @throws HookError, or rejects with it, when it must not be answered
   */
  listed(caller: Caller, method: string, count: number, requestId: string): Maybe<void> {
    this.shadows?.listed(caller, () => this.#listable(caller, method))
    return this.#reports.listed(caller, method, count, requestId)
  }

  /** The entries of a list as they stand for this caller, while that is known at once. */
  #listable(caller: Caller, method: string): readonly PermittedEntry[] {
    try {
      const kind = method === 'resources/templates/list' ? 'template' : method.split('s/')[0]
      const permitted = this.permitted(caller, { kinds: [kind as EntryKind] }, '')
      return isPromise(permitted) ? [] : permitted
    } catch {
      // A filter that failed meanwhile was reported: nobody's list hangs on this.
      return []
    }
  }

  /** Asks callers' filters anew and tells those who watch lists; `scope` limits it to one principal. */
  invalidate(scope?: Pick<Principal, 'issuer' | 'subject'>): void {
    this.catalog.invalidate(scope)
    this.views.invalidate(scope)
    this.shadows?.invalidate(scope)
    this.lists.invalidate(scope)
    this.#tell(({ principal: { issuer, subject } }) => {
      return scope === undefined || (scope.issuer === issuer && scope.subject === subject)
    })
  }

  #tell(concerns: (caller: Caller) => boolean): void {
    for (const watcher of this.#watchers) {
      if (concerns(watcher.caller)) watcher.listsMayHaveChanged()
    }
  }

  /** Tells `watcher` when its list may have changed, until the returned function is called. */
  watch(watcher: ListWatcher): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  /** Tells the observers. */
  emit(event: Event): void {
    this.hooks.emit(event)
  }
}

/** What servers may list, be it nothing. */
const EVERY_KIND: readonly EntryKind[] = ['tool', 'prompt', 'resource', 'template']
