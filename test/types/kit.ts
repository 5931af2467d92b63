// What the test kit gives and takes, and what services promise and do not.
import { Bus, Calls, definePlugin, Http, KeyValue, Lock, Metrics, Seal } from 'mcp-patchbay/sdk'
import { checkPlugin, testPlugin, unauthorized } from 'mcp-patchbay/sdk/testing'

const plugin = definePlugin({
  name: 'kit',
  version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  needs: {
    bus: Bus,
    calls: Calls,
    http: Http,
    keyValue: KeyValue,
    lock: Lock,
    metrics: Metrics,
    seal: Seal,
  },
  setup(_config, { bus, calls, http, keyValue, lock, metrics, seal }) {
    const counter = metrics.counter('calls', { description: 'Calls.' })
    // @ts-expect-error labels are text
    counter.add(1, { status: 200 })
    // @ts-expect-error a histogram says its boundaries
    metrics.histogram('size', { description: 'Sizes.' })
    // @ts-expect-error values are text: write JSON
    keyValue.set('key', { a: 1 })
    // @ts-expect-error a plugin that shares values answers with a promise
    const value: string | undefined = keyValue.get('key')
    // @ts-expect-error sealed for a purpose
    seal.seal(value ?? '')
    return {
      async start() {
        const held: number | undefined = await lock.hold('one', { ttlMs: 1_000 }, () => 1)
        // @ts-expect-error it may have been held by another
        held.toFixed()
        const { status } = await http.request('https://example.com', { timeoutMs: held ?? 1 })
        // @ts-expect-error a status is a number
        status.trim()
        // @ts-expect-error whoever asks says how long it waits
        await bus.request('replica', 'topic', {}, {})
      },
      async beforeCall(call) {
        // @ts-expect-error a call inside has one around it
        await calls.call(call.caller, 'name', {}, {})
        const outcome = await calls.call(call.caller, 'name', {}, { parent: call })
        // @ts-expect-error it may have ended otherwise
        outcome.result
        return undefined
      },
    }
  },
})

/** The kit as it is meant, and not. */
export async function kit(): Promise<void> {
  const gateway = await testPlugin(
    plugin,
    {},
    {
      tools: { crm: ['find'], files: null },
      reply({ name }, tell) {
        tell({ jsonrpc: '2.0', method: 'notifications/progress', params: { name } })
        // @ts-expect-error a message has a method
        tell({ jsonrpc: '2.0' })
        return name === 'find' ? { content: [] } : unauthorized(401)
      },
    },
  )
  for (const { outcome } of gateway.told('call.finished')) outcome.kind satisfies string
  // @ts-expect-error events of another type have no outcome
  for (const { outcome } of gateway.told('list')) void outcome
  // @ts-expect-error no such event
  gateway.told('call.begun')
  // @ts-expect-error what was sent is read
  gateway.sent.push({})
  // @ts-expect-error upstreams refuse credentials with 401 or 403
  unauthorized(500)
  await checkPlugin(plugin, { folder: new URL('.', import.meta.url) })
  // @ts-expect-error where its README is
  await checkPlugin(plugin, {})
}
