import type { Services } from '../../core/hooks/container.ts'
import { messageOf } from '../../core/hooks/errors.ts'
import { Http, KeyValue, type Plugin } from '../index.ts'
import { ended } from './conduct.ts'
import type { TestOptions, testPlugin } from './index.ts'
import { watchers } from './watchers.ts'

const ASKING = {
  client: { capabilities: { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} } },
}
const SAMPLES: readonly Readonly<Record<string, unknown>>[] = [
  {},
  { text: 'hello', path: '/tmp/a.txt', query: 'select 1' },
  { list: [1, 2, 3], nested: { flag: true, none: null } },
]
/** Milliseconds by which time is moved, for what plugins do later. */
const LATER = 60_000

/** What a plugin is run dry with. */
export interface DryRunOptions {
  readonly config: unknown
  /** What surrounds it, as in `testPlugin`; its upstream and its tools are always the same. */
  readonly options?: TestOptions
}

/**
 * What a plugin does in a dry run that it says it does not: writes real values, emits events, sends requests,
 * throws. It is set up by the test kit and asked about sample calls, in shadow and as `explain` asks.
 * @param start builds a gateway around it
 * @returns one sentence for each; nothing for a plugin that does not declare `shadow`
 */
export async function dryRunProblems(
  plugin: Plugin,
  { config, options: given = {} }: DryRunOptions,
  start: typeof testPlugin,
): Promise<string[]> {
  if (plugin.shadow !== true) return []
  const problems = new Set<string>()
  let isDry = false
  const told = (what: string) => {
    if (isDry) problems.add(`${what} while it runs dry`)
  }
  const options: TestOptions = { ...given, mode: 'shadow', tools: ['echo', 'delete_file'] }
  watchers.set(options, (line) => watch(line, told))
  const gateway = await start(onlyDry(plugin), config, options).catch((cause: unknown) => {
    problems.add(`cannot be set up in shadow: ${messageOf(cause)}`)
  })
  if (gateway === undefined) return [...problems]
  const before = gateway.events.length
  isDry = true
  for (const caller of [{}, ASKING]) {
    await gateway.list(caller)
    for (const args of SAMPLES) {
      await ended(async () => {
        const outcome = await gateway.call('demo__echo', args, { caller })
        if (outcome.kind !== 'result') problems.add('has an effect on calls while it runs dry')
      }, gateway)
      await ended(async () => {
        const { steps } = await gateway.rehearse('demo__echo', args, caller)
        for (const { verdict, message } of steps) {
          if (verdict === 'failed') problems.add(`fails while it runs dry: ${message}`)
        }
      }, gateway)
    }
  }
  gateway.clock.advance(LATER)
  await new Promise((resolve) => setImmediate(resolve))
  for (const event of gateway.events.slice(before)) {
    if (event.type === 'plugin') told(`emits the event ${event.name}`)
    if (event.type === 'plugin.failed') {
      problems.add(`fails in ${event.hook} while it runs dry: ${messageOf(event.cause)}`)
    }
  }
  isDry = false
  await gateway.stop()
  return [...problems]
}

/** The plugin with nothing that runs otherwise than dry: an observer may write what it likes. */
function onlyDry(plugin: Plugin): Plugin {
  return {
    ...plugin,
    setup(...parts) {
      const hooks = plugin.setup(...parts)
      const names = ['listFilter', 'beforeCall', 'start', 'stop', 'provide'] as const
      const kept = names.flatMap((name) => {
        const hook = hooks[name] as ((...args: never[]) => unknown) | undefined
        return hook === undefined ? [] : [[name, hook.bind(hooks)]]
      })
      return Object.fromEntries(kept)
    },
  }
}

/** Looks at what really reaches the services: beneath what keeps dry runs apart. */
function watch(line: Services, told: (what: string) => void): void {
  const written = (key: string) => {
    if (!key.startsWith('shadow:') || key.startsWith('shadow:o:'))
      told(`writes \`${key}\` to KeyValue`)
  }
  line.wrap(KeyValue, (real) => ({
    get: (key) => real.get(key),
    set(key, value, expiry) {
      written(key)
      return real.set(key, value, expiry)
    },
    add(key, value, expiry) {
      written(key)
      return real.add(key, value, expiry)
    },
    take(key) {
      written(key)
      return real.take(key)
    },
    delete(key) {
      written(key)
      return real.delete(key)
    },
    compareAndSet(key, expected, value, expiry) {
      written(key)
      return real.compareAndSet(key, expected, value, expiry)
    },
    consume(buckets) {
      for (const { key, cost } of buckets) if (cost !== 0) written(key)
      return real.consume(buckets)
    },
  }))
  line.wrap(Http, (real) => ({
    request(url, options) {
      told(`sends a request to ${url}`)
      return real.request(url, options)
    },
  }))
}
