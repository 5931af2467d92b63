import {
  type Authenticated,
  type AuthRequest,
  type Caller,
  type CatalogChanged,
  type Challenge,
  type Clock,
  type Credentials,
  type CredentialsQuery,
  type Denial,
  deny,
  type Event,
  type Maybe,
  type Outcome,
  type PermittedEntry,
  type Principal,
  type RefusedQuery,
} from '../../sdk/index.ts'
import { isObject } from '../wire/json.ts'
import { CallPath } from './call.ts'
import { Callers } from './caller.ts'
import { CatalogStore, type UpstreamNames } from './catalog.ts'
import { Refused } from './errors.ts'
import { HookTable, isPromise, type PluginLine } from './hooks.ts'
import { Lists, type ShownList } from './lists.ts'
import type { NameRules } from './names.ts'
import { NestedExchange, nestedRequest, refuseNested } from './nested.ts'
import { Offers } from './offers.ts'
import { Pauses, type Spent } from './pauses.ts'
import type { CallRequest, Exchange, ListWatcher, Sealer, Servers, Vault } from './ports.ts'
import { Reports } from './reports.ts'
import type { Round } from './round.ts'
import { isDenial } from './verdict.ts'
import { type View, Views } from './view.ts'
import type { Wheel } from './wheel.ts'

/** What a kernel is made of; the boot room brings it. */
export interface KernelParts {
  readonly clock: Clock
  readonly wheel: Wheel
  readonly lines: readonly PluginLine[]
  readonly upstreams: readonly UpstreamNames[]
  readonly names: NameRules
  readonly servers: Servers
  readonly sealer: Sealer
  /** Which states of paused calls were spent. */
  readonly spent: Spent
  /** Makes ids that are unique in this process. */
  readonly nextId: () => string
  /** Told of what made a request fail: a throw in the gateway's own code, or a HookError. */
  readonly fault: (cause: unknown, requestId: string) => void
}

/** What the other rooms talk to: who calls, what they may list, what they call. */
export class Kernel implements Vault {
  readonly hooks: HookTable
  readonly catalog: CatalogStore
  readonly callers = new Callers()
  readonly views: Views
  readonly lists: Lists
  /** Called after every change of the catalog; set by the kernel's owner. */
  onCatalog: (event: CatalogChanged) => void = () => {}
  /** Told of what made a request fail. */
  readonly fault: (cause: unknown, requestId: string) => void
  readonly #path: CallPath
  readonly #reports: Reports
  readonly #clock: Clock
  readonly #watchers = new Set<ListWatcher>()

  constructor(parts: KernelParts) {
    const { clock, servers, nextId, fault } = parts
    this.fault = fault
    this.#clock = clock
    this.hooks = new HookTable(parts.lines, parts.wheel)
    const offers = new Offers(parts.lines, this.hooks)
    this.catalog = new CatalogStore(
      parts.upstreams,
      parts.names,
      this.hooks,
      offers.entries,
      (real) => {
        const event = this.catalog.event()
        this.emit(event)
        this.onCatalog(event)
        if (real) this.invalidate()
      },
    )
    this.views = new Views(this.hooks, clock)
    this.lists = new Lists(this.catalog, this.views, this.hooks, clock)
    const { hooks, catalog, views } = this
    this.#reports = new Reports(hooks, clock, nextId)
    const reports = this.#reports
    const pauses = new Pauses(parts.sealer, parts.spent, clock, nextId)
    this.#path = new CallPath({
      catalog,
      views,
      hooks,
      servers,
      vault: this,
      reports,
      pauses,
      offers,
      wheel: parts.wheel,
      nextId,
      fault,
    })
    this.catalog.begin()
  }

  /**
   * Who sends a request. With no listener nobody can be anybody: open is something operators write down.
   * @throws HookError, or rejects with it
   */
  authenticate(request: AuthRequest): Maybe<Authenticated | Denial> {
    const { authenticate } = this.hooks.on
    if (authenticate === null) {
      return deny('UNAUTHENTICATED', 'no plugin of this gateway authenticates callers', {
        hint: 'Enable a plugin with an `authenticate` hook in the config.',
      })
    }
    const found = this.hooks.first<AuthRequest, Authenticated | Denial>(
      authenticate,
      request,
      isAnswer,
    )
    return isPromise(found) ? found.then((one) => this.#current(one)) : this.#current(found)
  }

  /** Credentials that have ended are none, whatever a plugin still knows of them. */
  #current(found: Authenticated | Denial | undefined): Authenticated | Denial {
    if (found === undefined) return NO_CREDENTIALS
    if (!('until' in found) || found.until === undefined) return found
    return found.until > this.#clock.now() ? found : ENDED
  }

  /** How to authenticate, told with a refusal. */
  challenges(request: AuthRequest, denial: Denial): Challenge[] {
    return (this.hooks.on.challenge ?? []).flatMap(({ plugin, run }) => {
      try {
        const challenges = [run(request, denial) ?? []].flat()
        for (const one of challenges) checkChallenge(one)
        return challenges
      } catch (cause) {
        this.hooks.report(plugin, 'challenge', cause, true)
        return []
      }
    })
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

  /** What this caller may call. @throws HookError, or rejects with it */
  permitted(caller: Caller): Maybe<readonly PermittedEntry[]> {
    const view = this.views.of(caller)
    const all = (ready: View) =>
      this.catalog.entries.flatMap((entry) => {
        const { candidates } = ready.permit(entry)
        return candidates.length === 0 ? [] : { ...entry, candidates }
      })
    return isPromise(view) ? view.then(all) : all(view)
  }

  /** What this caller lists. @throws HookError, or rejects with it */
  list(caller: Caller): Maybe<ShownList> {
    return this.lists.of(caller)
  }

  /**
   * Told before a list is answered.
   * @throws HookError, or rejects with it, when it must not be answered
   */
  listed(caller: Caller, method: string, count: number, requestId: string): Maybe<void> {
    return this.#reports.listed(caller, method, count, requestId)
  }

  /** Asks callers' filters anew and tells those who watch lists; `scope` limits it to one principal. */
  invalidate(scope?: Pick<Principal, 'issuer' | 'subject'>): void {
    this.views.invalidate(scope)
    this.lists.invalidate(scope)
    for (const watcher of this.#watchers) {
      const { issuer, subject } = watcher.caller.principal
      if (scope === undefined || (scope.issuer === issuer && scope.subject === subject)) {
        watcher.listsMayHaveChanged()
      }
    }
  }

  /** Tells `watcher` when its list may have changed, until the returned function is called. */
  watch(watcher: ListWatcher): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  /** Tells the observers, if there are any. */
  emit(event: Event): void {
    if (this.hooks.on.observe !== null) this.hooks.emit(event)
  }

  credentials(query: CredentialsQuery): Maybe<Readonly<Record<string, string>> | undefined> {
    const listeners = this.hooks.on.credentials
    if (listeners === null) return undefined
    const found = this.hooks.first<CredentialsQuery, Credentials | Denial>(
      listeners,
      query,
      (one) => isDenial(one) || isObject((one as Partial<Credentials>).headers),
    )
    return isPromise(found) ? found.then(headersOf) : headersOf(found)
  }

  refused(
    query: CredentialsQuery,
    httpStatus: number,
    challenge: string | undefined,
  ): Maybe<'retry' | Denial | undefined> {
    const listeners = this.hooks.on.refused
    if (listeners === null) return undefined
    return this.hooks.first<RefusedQuery, 'retry' | Denial>(
      listeners,
      { ...query, httpStatus, challenge },
      (one) => one === 'retry' || isDenial(one),
    )
  }
}

const NO_CREDENTIALS = deny(
  'UNAUTHENTICATED',
  'the request carries no credentials that are known here',
  {
    hint: 'Send what the WWW-Authenticate header asks for.',
  },
)

const ENDED = deny('UNAUTHENTICATED', 'the credentials have ended', {
  hint: 'Get new ones, as the WWW-Authenticate header says.',
})

function headersOf(
  found: { headers: Readonly<Record<string, string>> } | Denial | undefined,
): Readonly<Record<string, string>> | undefined {
  if (found === undefined) return undefined
  if ('headers' in found) return found.headers
  throw new Refused(found)
}

/** Whether an auth plugin said something that can be relied on: a refusal, or who it is. */
function isAnswer(value: unknown): boolean {
  if (!isObject(value) || !('principal' in value)) return isDenial(value)
  const { principal } = value
  return (
    isObject(principal) &&
    typeof principal.issuer === 'string' &&
    typeof principal.subject === 'string'
  )
}

/** @throws TypeError for what cannot stand in a header */
function checkChallenge({ scheme, params = {} }: Challenge): void {
  const token = /^[\w!#$%&'*+.^`|~-]+$/
  for (const name of [scheme, ...Object.keys(params)]) {
    if (typeof name !== 'string' || !token.test(name)) {
      throw new TypeError(`returned a challenge with \`${name}\`, which is no token`)
    }
  }
  for (const [name, value] of Object.entries(params)) {
    if (typeof value !== 'string')
      throw new TypeError(`returned a challenge without text for ${name}`)
  }
}
