import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Call,
  Clock,
  definePlugin,
  deny,
  Events,
  Http,
  KeyValue,
  type Plugin,
} from '../index.ts'
import { dryRunProblems } from './dry-run.ts'
import { testPlugin } from './index.ts'

const nothing = { type: 'object', additionalProperties: false, properties: {} } as const
const needs = { keyValue: KeyValue, events: Events, http: Http, clock: Clock }

type Tools = Parameters<
  Parameters<typeof definePlugin<typeof nothing, typeof needs>>[0]['setup']
>[1]

function guard(beforeCall: (call: Call, services: Tools) => unknown, shadow = true): Plugin {
  return definePlugin({
    name: 'guard',
    version: '1.0.0',
    phase: 'guard',
    shadow,
    configSchema: nothing,
    needs,
    setup: (_config, services) => ({
      beforeCall: (call) => beforeCall(call, services) as never,
      observe: (event) => {
        if (event.type === 'call.finished') services.keyValue.set('watched', '1')
      },
    }),
  })
}

const problems = (plugin: Plugin) => dryRunProblems(plugin, { config: {} }, testPlugin)

test('a plugin that keeps its word has no problems, nor has one that gave none', async () => {
  const honest = guard(async (call, { keyValue, events }) => {
    await keyValue.set('calls', '1')
    await keyValue.consume([{ key: 'x', cost: 1, limit: 1, windowMs: 1_000 }])
    if (!call.dry) events.emit('called', {})
    return deny('FORBIDDEN', 'no')
  })
  assert.deepEqual(await problems(honest), [])
  const silent = guard((_call, { events }) => events.emit('called', {}), false)
  assert.deepEqual(await problems(silent), [])
})

test('what it does all the same is told', async () => {
  const emits = await problems(guard((_call, { events }) => events.emit('called', {})))
  assert.match(emits.join('\n'), /fails in beforeCall while it runs dry: a dry run emits no events/)
  const sends = await problems(guard((_call, { http }) => http.request('https://example.com/')))
  assert.match(sends.join('\n'), /a dry run sends no requests/)
  const throws = await problems(
    guard(({ args }) => {
      if (Array.isArray(args.list)) throw new Error('lists are too much')
    }),
  )
  assert.deepEqual(throws, [
    'fails while it runs dry: lists are too much',
    'fails in beforeCall while it runs dry: lists are too much',
  ])
})

test('what it puts off to act for real is told too', async () => {
  let later: (() => void)[] = []
  const plugin = definePlugin({
    name: 'later',
    version: '1.0.0',
    phase: 'guard',
    shadow: true,
    configSchema: nothing,
    needs,
    setup: (_config, { keyValue, events, clock }) => {
      clock.every(1_000, () => {
        for (const run of later) run()
        later = []
      })
      return {
        beforeCall() {
          later.push(() => {
            keyValue.set('late', '1')
            events.emit('late', {})
          })
          return undefined
        },
      }
    },
  })
  assert.deepEqual((await problems(plugin)).sort(), [
    'emits the event late while it runs dry',
    'writes `late` to KeyValue while it runs dry',
  ])
})

test('a plugin that waits in a dry run is waited for as long as it may take', async () => {
  const slow = guard((_call, { clock }) => {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    const stop = clock.every(1_000, () => {
      stop()
      resolve(undefined)
    })
    return promise
  })
  assert.deepEqual(await problems(slow), [])
})

test('a plugin that cannot be set up says why', async () => {
  const strict = definePlugin({
    name: 'strict',
    version: '1.0.0',
    shadow: true,
    configSchema: nothing,
    setup() {
      throw new Error('no luck')
    },
  })
  assert.match((await problems(strict)).join(), /cannot be set up in shadow: .*no luck/)
})
