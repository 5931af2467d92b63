import { Bus, Catalog, Clock, Database, definePlugin, Events, Log } from 'mcp-patchbay/sdk'
import { commandsOf, shown } from './commands.ts'
import { Denials } from './denials.ts'
import { counts } from './override.ts'
import { migrations, OverrideStore } from './override-store.ts'
import { Overrides } from './overrides.ts'
import { patternRule, presetRule } from './rule.ts'
import { configSchema } from './settings.ts'
import { Unmatched } from './unmatched.ts'
import { Yolo } from './yolo.ts'

/** How often is looked whether something has ended, in milliseconds. Calls see it at once. */
const TICK = 1_000
/** After so many ticks overrides are read again: a replica without a bus tells nobody. */
const READ_EVERY = 30
/** After so many ticks it is said again that the list is off. */
const REMIND_EVERY = 3_600

/** Tools that nobody may list or call, whatever they are called. */
export default definePlugin({
  name: 'denylist',
  version: '0.1.0',
  shadow: true,
  configSchema,
  needs: {
    bus: Bus,
    catalog: Catalog,
    clock: Clock,
    database: Database,
    events: Events,
    log: Log,
  },
  migrations,
  setup({ presets, tools, yolo: switched }, { bus, catalog, clock, database, events, log }) {
    const patterns = tools.map(patternRule)
    const rules = [...presets.map(presetRule), ...patterns]
    const yolo = switched && new Yolo(switched.until, clock)
    // A preset is a precaution and names no tool of these upstreams in particular; a pattern does.
    const unmatched = new Unmatched(patterns, log)
    const denials = new Denials({ rules, yolo, overrides: () => overrides.known })
    const renew = () => {
      denials.forget()
      catalog.invalidate()
    }
    const overrides: Overrides = new Overrides(new OverrideStore(database), {
      changed: renew,
      ended(override) {
        log.info(shown(override), `${override.effect} ${override.tool} has ended`)
        events.emit('ended', shown(override))
      },
      failed: (cause) =>
        log.error({ err: cause }, 'overrides cannot be read: those known before go on'),
      tell: () => bus.publish('overrides', null),
    })
    const announce = () => {
      if (yolo === undefined) return
      const until = new Date(yolo.until).toISOString()
      if (!yolo.isOn) {
        // No reason not to start: a gateway that comes back after the end has its list on.
        log.warn(
          { until },
          `the denylist is on: \`yolo\` ended at ${until}. Take it out of the config`,
        )
        return
      }
      log.warn({ until }, `THE DENYLIST IS SWITCHED OFF until ${until}, by \`yolo\` in the config`)
    }
    let wasOn = yolo?.isOn === true
    let ticks = 0
    const tick = async () => {
      ticks++
      if (wasOn && yolo?.isOn !== true) {
        wasOn = false
        renew()
        log.warn({}, 'the denylist is on again: take `yolo` out of the config')
        events.emit('yolo.ended', {})
      } else if (wasOn && ticks % REMIND_EVERY === 0) announce()
      await overrides.sweep(clock.now())
      if (ticks % READ_EVERY === 0) await overrides.refresh()
    }
    const stops: (() => void)[] = []
    return {
      listFilter: () => denials.filter(clock.now()),
      async start() {
        await overrides.read()
        await overrides.sweep(clock.now())
        stops.push(
          bus.subscribe('overrides', () => void overrides.refresh()),
          clock.every(TICK, () => void tick()),
        )
        if (yolo === undefined) return
        announce()
        if (yolo.isOn) events.emit('yolo.started', { until: new Date(yolo.until).toISOString() })
      },
      stop() {
        for (const stop of stops.splice(0)) stop()
      },
      commands: commandsOf({ overrides, clock, catalog, events }),
      observes: ['catalog.changed'],
      observe(event) {
        if (event.type === 'catalog.changed' && event.complete) unmatched.look(event.entries)
      },
      status: () => ({
        ...(yolo === undefined
          ? {}
          : { yolo: { on: yolo.isOn, until: new Date(yolo.until).toISOString() } }),
        overrides: overrides.known.filter((one) => counts(one, clock.now())).map(shown),
        ...(overrides.failure === undefined ? {} : { error: overrides.failure }),
      }),
    }
  },
})
