import assert from 'node:assert/strict'
import test from 'node:test'
import { type Call, Catalog, change, definePlugin, type Hooks, type Plugin } from '../index.ts'
import { testPlugin } from './index.ts'

const EMPTY = { type: 'object', additionalProperties: false, properties: {} } as const

/** A plugin of nothing but hooks. */
function hooked(hooks: Hooks): Plugin {
  return definePlugin({
    name: 'hooked',
    version: '1.0.0',
    phase: 'shape',
    configSchema: EMPTY,
    setup: () => hooks,
  })
}

test('everything a plugin receives is frozen', async () => {
  const written: string[] = []
  const write = (name: string, into: object, key = 'x'): void => {
    assert.throws(() => Object.assign(into, { [key]: 1 }), TypeError, `${name} could be written to`)
    written.push(name)
  }
  const plugin = definePlugin({
    name: 'writer',
    version: '1.0.0',
    phase: 'shape',
    configSchema: {
      type: 'object',
      additionalProperties: false,
      properties: { names: { type: 'array', default: [], items: {}, description: 'Names.' } },
    },
    upstreamSettings: {
      key: 'label',
      schema: { ...EMPTY, properties: { text: { type: 'string', description: 'Text.' } } },
    },
    needs: { catalog: Catalog },
    setup(config, { catalog }, upstreams) {
      write('config', config.names)
      write('claimed settings', upstreams.get('demo') as object)
      assert.throws(() => (upstreams as Map<string, unknown>).set('demo', {}), TypeError)
      return {
        onRegister(entry) {
          write('entry', entry.definition)
          return undefined
        },
        arrange(entries) {
          write('entries', entries, '0')
          return entries
        },
        listFilter(caller) {
          write('caller', caller.principal.claims)
          return {
            key: '',
            test(entry, target) {
              write('filtered entry', entry)
              write('filtered target', target)
              return true
            },
          }
        },
        present: () => ({
          key: '',
          apply(entries) {
            write('shown entries', entries, '0')
            write('shown entry', entries[0] as object)
            return entries
          },
        }),
        authenticate(request) {
          write('headers', request.headers)
          return undefined
        },
        beforeCall(call) {
          write('call', call, 'args')
          write('arguments', call.args.deep as object)
          write('entries of the catalog', catalog.entries[0] as object)
          return change({ args: { changed: {} } })
        },
        afterCall(call, outcome) {
          write('changed arguments', call.args.changed as object)
          if (outcome.kind === 'result') write('result', outcome.result.content as object)
        },
        observe(event) {
          if (event.type === 'call.finished') write('event', event)
        },
      }
    },
  })
  const gateway = await testPlugin(plugin, {}, { upstreams: { demo: { label: {} } }, tools: ['a'] })
  await gateway.list()
  await gateway.authenticate()
  await gateway.result('demo__a', { deep: {} })
  assert.equal(new Set(written).size, 16)
})

test('a plugin sees of a call what the contract says, as one object to the end', async () => {
  const calls: Call[] = []
  const plugin = hooked({
    beforeCall: (call) => void calls.push(call),
    afterCall: (call) => void calls.push(call),
    observe: (event) => void (event.type === 'call.started' && calls.push(event.call)),
  })
  const gateway = await testPlugin(plugin)
  await gateway.result('demo__echo', {}, { meta: { note: 1, 'io.modelcontextprotocol/x': 1 } })
  assert.equal(calls.length, 3)
  assert.equal(new Set(calls).size, 1)
  assert.deepEqual(calls[0]?.meta, { note: 1 })
  assert.ok(!('exchange' in (calls[0] as object)))
})
