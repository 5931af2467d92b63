import {
  Bus,
  Clock,
  Database,
  type Event,
  Events,
  Http,
  KeyValue,
  Lock,
  Metrics,
  Seal,
  Secrets,
  ServiceError,
  type Token,
  Tracer,
  Upstreams,
} from '../../sdk/index.ts'
import type { Archive } from '../catalog/ports.ts'
import type { Services } from '../hooks/container.ts'
import { GatewayError, type Problem } from '../hooks/errors.ts'
import type { PluginSpec } from '../hooks/setup.ts'
import type { Wheel } from '../hooks/wheel.ts'
import type { Sealer } from '../kernel/ports.ts'
import type { MakeShadows } from '../kernel/shadows.ts'
import { ARCHIVE_MIGRATIONS, CatalogArchive } from './catalog-archive.ts'
import { DryRuns } from './dry/dry-runs.ts'
import { ShadowPlugins } from './dry/shadow-plugins.ts'
import { CountedShadows } from './dry/shadow-report.ts'
import type { GuardedHttp } from './guarded-http.ts'
import type { Resolve } from './guarded-lookup.ts'
import { lineBus, lineLock, lineSeal } from './line-services.ts'
import { MemoryBus } from './memory-bus.ts'
import { MemoryKeyValue } from './memory-key-value.ts'
import { MemoryLock } from './memory-lock.ts'
import { MetricsStore } from './metrics-store.ts'
import { SESSION_MIGRATIONS, SessionArchive } from './session-archive.ts'
import type { SqliteDatabase } from './sqlite/database.ts'
import type { SqliteThread } from './sqlite/thread.ts'
import type { WorkerServices } from './workers/worker-services.ts'

/** An event that makes a plugin emit an event that makes …: nobody means that. */
const DEEPEST = 8
/** Whose tables the gateway's own are. */
const GATEWAY = 'patchbay'
/** Where the gateway's own topics are on its bus; no plugin line has a dollar sign in its id. */
const GATEWAY_LINE = '$gateway'

/** What the services are made of. */
export interface EmbeddedParts {
  readonly clock: Clock
  readonly wheel: Wheel
  readonly sealer: Sealer
  readonly secrets: Secrets
  /** The database's path, or `:memory:`. */
  readonly file: string
  /** Whether what takes time begins before anybody asks for it: the gateway is about to run. */
  readonly eager?: boolean
  /** This process's id among the replicas. */
  readonly replica: string
  /** Where this process is one of several workers: what the primary serves to all of them. */
  readonly worker?: WorkerServices | undefined
  /** Addresses, networks and hosts that `Http` may reach besides the internet. */
  readonly egress: readonly string[]
  /** Finds addresses; the system's resolver when left out. */
  readonly resolve?: Resolve
  readonly upstreams: Upstreams
  /** Tells the observers. */
  emit(event: Event): void
  /** Told of what a plugin's listener throws where nobody waits for it. */
  fault(cause: unknown, where: string): void
}

/** The services that come with the gateway. They outlive a reload; each plugin line sees its own part. */
export class EmbeddedServices {
  readonly metrics: MetricsStore
  /** The gateway's own part of the embedded bus. */
  readonly bus: Bus
  /** The gateway's own part of what workers share; `undefined` where there are none. */
  readonly keyValue: KeyValue | undefined
  /** Who runs dry, and what those in shadow said so far. */
  readonly shadow: { readonly runs: DryRuns; readonly report: CountedShadows }
  readonly #parts: EmbeddedParts
  readonly #stores = new Map<string, MemoryKeyValue>()
  readonly #bus: Bus
  readonly #lock: Lock
  #http: GuardedHttp | undefined
  #thread: SqliteThread | undefined
  #database: SqliteDatabase | undefined
  #depth = 0

  constructor(parts: EmbeddedParts) {
    const { wheel, fault, worker } = parts
    this.#parts = parts
    this.shadow = { runs: new DryRuns(), report: new CountedShadows(parts.clock) }
    this.metrics = new MetricsStore((cause) => fault(cause, 'a source of metrics'))
    this.#bus =
      worker?.bus ??
      new MemoryBus(parts.replica, wheel, (cause, topic) => fault(cause, `bus ${topic}`))
    this.bus = lineBus(this.#bus, GATEWAY_LINE)
    this.#lock = worker?.lock ?? new MemoryLock(wheel)
    this.keyValue = worker?.keyValue(GATEWAY_LINE)
    worker?.joinMetrics(this.metrics)
  }

  /**
   * Loads what these plugins need and nothing more; opens nothing.
   * @throws GatewayError when their tables could be each other's, or their migrations are of no use
   * @throws RangeError for an entry of `egress` that is no address, network or host
   */
  async prepare(specs: readonly PluginSpec[]): Promise<void> {
    const problems = specs.flatMap(migrationProblems)
    if (problems.length > 0) throw new GatewayError(problems)
    if (specs.some((spec) => needs(spec, Http))) await this.#prepareHttp()
    const stored = specs.filter((spec) => needs(spec, Database))
    if (stored.length === 0) return
    if (this.#parts.eager === true) (await this.#begin()).begin()
    const { checkPrefixes } = await import('./sqlite/database.ts')
    checkPrefixes([GATEWAY, ...stored.map(({ id }) => id)])
    await this.#open()
  }

  /** Keeps what upstreams list for single identities. Opens the database when it is first used. */
  archive(): Archive {
    const { clock, fault } = this.#parts
    const failed = (cause: unknown) => fault(cause, 'the archive of lists')
    return new CatalogArchive(() => this.#own(), clock, failed)
  }

  /** Keeps what clients' sessions said. Opens the database when it is first used. */
  sessions(): SessionArchive {
    return new SessionArchive(() => this.#own(), this.#parts.clock)
  }

  /** Asks plugins in shadow, for a kernel. */
  readonly shadows: MakeShadows = (hooks, clock) => new ShadowPlugins(hooks, clock, this.shadow)

  /** Offers a plugin line its part of every service. */
  offer(line: Services, id: string): void {
    const { clock, sealer, secrets, upstreams } = this.#parts
    line
      .offer(Clock, clock)
      .offer(KeyValue, this.#store(id))
      .offer(Bus, lineBus(this.#bus, id))
      .offer(Lock, lineLock(this.#lock, id))
      .offer(Seal, lineSeal(sealer, id))
      .offer(Secrets, secrets)
      .offer(Metrics, this.metrics.line(id))
      .offer(Events, { emit: (name, fields) => this.#emit(id, name, fields) })
      .offer(Upstreams, upstreams)
      .offer(Tracer, null)
    if (this.#http !== undefined) line.offer(Http, this.#http)
    if (this.#database !== undefined) line.offer(Database, this.#database.line(id))
  }

  /** Brings the tables of these plugin lines up to date. @throws GatewayError at the first that cannot be */
  async migrate(specs: readonly PluginSpec[]): Promise<void> {
    for (const { id, plugin } of specs) {
      if (plugin.migrations !== undefined) await this.#database?.migrate(id, plugin.migrations)
    }
  }

  /** Ends connections and closes the database, when what is under way there has finished. */
  async close(): Promise<void> {
    for (const store of this.#stores.values()) store.clear()
    await Promise.all([this.#http?.close(), this.#database?.close() ?? this.#thread?.close()])
  }

  /** The gateway's own part of the database, its tables up to date. */
  async #own(): Promise<Database> {
    const database = await this.#open()
    await database.migrate(GATEWAY, { ...ARCHIVE_MIGRATIONS, ...SESSION_MIGRATIONS })
    return database.line(GATEWAY)
  }

  async #open(): Promise<SqliteDatabase> {
    const thread = await this.#begin()
    const { SqliteDatabase } = await import('./sqlite/database.ts')
    const { clock, wheel } = this.#parts
    this.#database ??= new SqliteDatabase(thread, clock, wheel)
    return this.#database
  }

  async #begin(): Promise<SqliteThread> {
    const { SqliteThread } = await import('./sqlite/thread.ts')
    this.#thread ??= new SqliteThread(this.#parts.file)
    return this.#thread
  }

  async #prepareHttp(): Promise<void> {
    const [{ EgressRules }, { GuardedHttp }] = await Promise.all([
      import('./egress-rules.ts'),
      import('./guarded-http.ts'),
    ])
    const { egress, wheel, resolve } = this.#parts
    this.#http ??= new GuardedHttp(new EgressRules(egress), wheel, resolve)
  }

  #store(id: string): KeyValue {
    const { worker } = this.#parts
    if (worker !== undefined) return worker.keyValue(id)
    let store = this.#stores.get(id)
    if (store === undefined) {
      store = new MemoryKeyValue(this.#parts.clock)
      this.#stores.set(id, store)
    }
    return store
  }

  #emit(plugin: string, name: string, fields: Readonly<Record<string, unknown>>): void {
    if (this.#depth === DEEPEST) {
      const hint = 'Emit nothing in `observe` that makes `observe` emit again.'
      throw new ServiceError(
        'EVENT_LOOP',
        `the event ${name} of ${plugin} brings about itself`,
        hint,
      )
    }
    this.#depth++
    try {
      this.#parts.emit({ type: 'plugin', plugin, name, fields })
    } finally {
      this.#depth--
    }
  }
}

function needs({ plugin }: PluginSpec, service: Token<unknown>): boolean {
  return Object.values(plugin.needs ?? {}).some(({ key }) => key === service.key)
}

function migrationProblems(spec: PluginSpec): Problem[] {
  const { migrations } = spec.plugin
  if (migrations === undefined) return []
  const problem = (reason: string, hint: string): Problem => {
    return {
      code: 'PLUGIN_MIGRATIONS',
      where: `plugin ${spec.id}`,
      path: 'migrations',
      reason,
      hint,
    }
  }
  const broken = Object.entries(migrations).filter(([, one]) => typeof one?.up !== 'function')
  return [
    ...broken.map(([name]) => problem(`${name} has no \`up\``, 'Write `{ up(db) { … } }`.')),
    ...(needs(spec, Database)
      ? []
      : [problem('there is no database to migrate', 'Add `Database` to `needs`.')]),
  ]
}
