import {
  Clock,
  Database,
  definePlugin,
  type Event,
  InvalidSettings,
  Log,
  Metrics,
  Secrets,
} from 'mcp-patchbay/sdk'
import { auditCommands } from './commands.ts'
import { Recorder } from './recorder.ts'
import { Redaction } from './redaction.ts'
import { SETTINGS, type Settings } from './settings.ts'
import { MIGRATIONS, Store } from './store.ts'
import { Writer } from './writer.ts'

/** Milliseconds between two batches that nobody waits for, and between two looks for what is too old. */
const WRITE_EVERY = 250
const SWEEP_EVERY = 60_000
/** How many portions one look deletes at most. */
const MOST_PORTIONS = 50

const TYPES: Readonly<Record<Settings['record'][number], Event['type']>> = {
  calls: 'call.finished',
  lists: 'list',
  refusals: 'auth.refused',
  events: 'plugin',
}

/** Writes down who did what, and how it ended. */
export default definePlugin({
  name: 'audit',
  version: '0.1.0',
  configSchema: SETTINGS,
  needs: { clock: Clock, database: Database, log: Log, metrics: Metrics, secrets: Secrets },
  migrations: MIGRATIONS,
  setup(config, { clock, database, log, metrics, secrets }) {
    const { sinks, strict, retention } = config
    const inDatabase = sinks.includes('database')
    const inLog = sinks.includes('log')
    if (strict && !inDatabase) {
      const hint = 'Add `database` to `sinks`, or take `strict` out.'
      throw new InvalidSettings('strict', 'has nothing to wait for without the database', hint)
    }
    const types = config.record.map((one) => TYPES[one])
    const recorder = new Recorder(new Redaction(config.redact, config.size, secrets), config)
    const store = new Store(database)
    const writer = new Writer((batch) => store.insert(batch), config.queue)
    const dropped = metrics.counter('dropped', {
      description: 'Records that were given up: too many were waiting to be written.',
      unit: '{record}',
    })
    let told = 0
    let failing = false

    const take = (text: string | undefined, waits: boolean): Promise<void> | undefined => {
      if (text === undefined) return undefined
      if (inLog) log.info({ record: JSON.parse(text) }, 'audit')
      if (!inDatabase) return undefined
      if (waits) return writer.settle(clock.now(), text)
      writer.offer(clock.now(), text)
      return undefined
    }

    const record = (event: Event): string | undefined => {
      switch (event.type) {
        case 'call.finished':
          return recorder.call(event)
        case 'list':
          return recorder.list(event)
        case 'auth.refused':
          return recorder.refusal(event)
        case 'plugin':
          return recorder.event(event)
        default:
          return undefined
      }
    }

    /** Tells of what was dropped, in the log, in the metrics and among the records. */
    const tellDropped = () => {
      const count = writer.dropped - told
      if (count === 0) return
      dropped.add(count)
      log.error(
        { dropped: count },
        `${count} records were dropped: ${config.queue} wait already. Raise \`queue\`, find out why the ` +
          'database is slow, or set `strict`.',
      )
      if (!strict) writer.offer(clock.now(), `{"kind":"dropped","count":${count}}`)
      // Should the queue still be full, this one was dropped as well.
      told = writer.dropped
    }

    const tellFailing = () => {
      if (writer.failure !== undefined && !failing) {
        log.error(
          { err: writer.failure },
          `records cannot be written; ${strict ? 'nothing is answered' : 'they wait'} until they can`,
        )
      } else if (writer.failure === undefined && failing) {
        log.info({}, 'records are written again')
      }
      failing = writer.failure !== undefined
    }

    const tick = async () => {
      tellDropped()
      if (writer.waiting > 0) await writer.flush()
      tellFailing()
    }

    let sweeping = false
    const sweep = async () => {
      if (sweeping) return
      sweeping = true
      try {
        for (let portion = 0; portion < MOST_PORTIONS; portion++) {
          if (!(await store.sweep(clock.now() - retention.age, retention.rows))) break
        }
      } catch (cause) {
        log.error({ err: cause }, 'old records cannot be deleted; it is tried again in a minute')
      } finally {
        sweeping = false
      }
    }

    const ends: (() => void)[] = []
    // What somebody waits for is told by `settle` already.
    const observed = strict
      ? types.filter((type) => type !== 'call.finished' && type !== 'list')
      : types
    return {
      ...(observed.length === 0
        ? {}
        : { observes: observed, observe: (event: Event) => void take(record(event), false) }),
      ...(strict
        ? {
            settle: (event) => (types.includes(event.type) ? take(record(event), true) : undefined),
          }
        : {}),
      start() {
        if (!inDatabase) return
        ends.push(clock.every(WRITE_EVERY, tick), clock.every(SWEEP_EVERY, sweep))
      },
      async stop() {
        for (const end of ends.splice(0)) end()
        if (!inDatabase) return
        tellDropped()
        await writer.flush()
        if (writer.waiting > 0) {
          log.error(
            { err: writer.failure, lost: writer.waiting },
            `${writer.waiting} records could not be written before the end`,
          )
        }
      },
      health: () =>
        writer.failure === undefined
          ? { ok: true }
          : { ok: !strict, detail: `records cannot be written: ${writer.failure}` },
      status: () => ({
        strict,
        written: writer.written,
        waiting: writer.waiting,
        dropped: writer.dropped,
        ...(writer.failure === undefined ? {} : { failure: String(writer.failure) }),
      }),
      ...(inDatabase ? { commands: auditCommands(store, clock, () => writer.flush()) } : {}),
    }
  },
})
