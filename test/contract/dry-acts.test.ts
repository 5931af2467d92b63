import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  Bus,
  type Call,
  Calls,
  Catalog,
  definePlugin,
  Events,
  ServiceError,
  Upstreams,
} from 'mcp-patchbay/sdk'
import { testPlugin } from 'mcp-patchbay/sdk/testing'

const nothing = { type: 'object', additionalProperties: false, properties: {} } as const

test('in shadow nothing acts on others: every service that could says so', async () => {
  const refused: string[] = []
  const acts = definePlugin({
    name: 'acts',
    version: '1.0.0',
    phase: 'guard',
    shadow: true,
    configSchema: nothing,
    needs: { bus: Bus, calls: Calls, catalog: Catalog, events: Events, upstreams: Upstreams },
    setup: (_config, { bus, calls, catalog, events, upstreams }) => ({
      async beforeCall(call: Call) {
        const all: Record<string, () => unknown> = {
          call: () => calls.call(call.caller, 'up__b', {}, { parent: call }),
          emit: () => events.emit('news', {}),
          invalidate: () => catalog.invalidate(),
          publish: () => bus.publish('news', 1),
          reconnect: () => upstreams.reconnect('up'),
          refresh: () => upstreams.refresh('up'),
          request: () => bus.request(bus.replica, 'news', 1, { timeoutMs: 1 }),
        }
        for (const [name, act] of Object.entries(all)) {
          try {
            await act()
          } catch (cause) {
            if (cause instanceof ServiceError && cause.code === 'DRY_RUN') refused.push(name)
          }
        }
        return undefined
      },
    }),
  })
  const gateway = await testPlugin(acts, {}, { mode: 'shadow', tools: { up: ['a', 'b'] } })
  assert.equal((await gateway.call('up__a')).kind, 'result')
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
  const acting = ['call', 'emit', 'invalidate', 'publish', 'reconnect', 'refresh', 'request']
  assert.deepEqual(refused, acting)
})

test('an offered tool that does not come back is given up when its caller goes', async () => {
  const hangs = definePlugin({
    name: 'hangs',
    version: '1.0.0',
    configSchema: nothing,
    setup: () => ({
      tools: [
        {
          definition: { name: 'hang', inputSchema: { type: 'object' } },
          call: () => new Promise<never>(() => {}),
        },
      ],
    }),
  })
  const gateway = await testPlugin(hangs, {})
  const cancel = new AbortController()
  const outcome = gateway.call('hang', {}, { cancel: cancel.signal })
  await new Promise((resolve) => setImmediate(resolve))
  cancel.abort('enough')
  const { kind, executed } = await outcome
  assert.deepEqual([kind, executed], ['cancelled', 'unknown'])
})
