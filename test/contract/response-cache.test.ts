import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  answer,
  type Call,
  Clock,
  change,
  definePlugin,
  deny,
  type Hooks,
  perCall,
} from 'mcp-patchbay/sdk'
import { type Sent, testPlugin, unauthorized } from 'mcp-patchbay/sdk/testing'

const nothing = { type: 'object', additionalProperties: false, properties: {} } as const

/** JSON, unless it has numbers that JavaScript cannot tell from their neighbours. */
function exact(value: unknown): string | undefined {
  let safe = true
  const text = JSON.stringify(value, (_name, part) => {
    if (typeof part === 'number') safe &&= Math.abs(part) <= Number.MAX_SAFE_INTEGER
    return part
  })
  return safe ? text : undefined
}

/** Answers a call again with what it gave before, for the same audience, tool and arguments. */
const responseCache = definePlugin({
  name: 'response-cache',
  version: '1.0.0',
  phase: 'shape',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      ttl: { type: 'string', format: 'duration', default: '1m', description: 'How long.' },
    },
  },
  needs: { clock: Clock },
  setup({ ttl }, { clock }) {
    const kept = new Map<string, { result: Readonly<Record<string, unknown>>; end: number }>()
    const keyOf = (call: Call) => {
      const { entry, target, args } = call
      // While nothing has chosen a target, nobody knows whose answer it would be.
      if (target === undefined) return undefined
      return exact([call.audience, entry.name, target.upstream, target.name, args])
    }
    const asked = perCall(keyOf)
    return {
      beforeCall(call) {
        const key = asked(call)
        const found = key === undefined ? undefined : kept.get(key)
        if (found !== undefined && found.end > clock.now()) return answer(found.result)
        return undefined
      },
      afterCall(call, outcome) {
        const key = asked(call)
        // What a later shaper sent otherwise is no answer to what was looked up here.
        if (key === undefined || key !== keyOf(call)) return undefined
        if (outcome.kind !== 'result' || outcome.source !== 'upstream') return undefined
        if (outcome.result.isError !== true && exact(outcome.result) !== undefined) {
          kept.set(key, { result: outcome.result, end: clock.now() + ttl })
        }
        return undefined
      },
    }
  },
})

const hooked = (phase: 'shape' | 'guard', hooks: Hooks) =>
  definePlugin({
    name: 'other',
    version: '1.0.0',
    phase,
    configSchema: nothing,
    setup: () => hooks,
  })

/** Each caller has an account of its own at every upstream. */
const perUser = hooked('guard', {
  identity: ({ caller: { principal } }) => JSON.stringify([principal.issuer, principal.subject]),
})

const anna = { caller: { principal: { subject: 'anna' } } }
const bob = { caller: { principal: { subject: 'bob' } } }
const text = (words: string) => ({ content: [{ type: 'text', text: words }] })

test('the same call is answered again without the upstream, until time is up', async () => {
  const gateway = await testPlugin(responseCache, { ttl: '10s' })
  const first = await gateway.result('demo__echo', { a: 1 })
  const again = await gateway.call('demo__echo', { a: 1 })
  assert.deepEqual(again, { kind: 'result', result: first, source: 'plugin', executed: false })
  gateway.clock.advance(9_999)
  await gateway.result('demo__echo', { a: 1 })
  assert.equal(gateway.sent.length, 1)
  gateway.clock.advance(1)
  await gateway.result('demo__echo', { a: 1 })
  assert.equal(gateway.sent.length, 2)
})

test('an answer from the cache does not make it live longer', async () => {
  const gateway = await testPlugin(responseCache, { ttl: '10s' })
  for (let i = 0; i < 4; i++) {
    await gateway.result('demo__echo')
    gateway.clock.advance(4_000)
  }
  assert.equal(gateway.sent.length, 2)
})

test('other arguments and other tools are other calls', async () => {
  const gateway = await testPlugin(responseCache, {}, { tools: ['echo', 'add'] })
  await gateway.result('demo__echo', { a: 1 })
  await gateway.result('demo__echo', { a: 2 })
  await gateway.result('demo__add', { a: 1 })
  assert.equal(gateway.sent.length, 3)
})

test('numbers that lose digits are never mistaken for one another, nor told', async () => {
  const reply = ({ args }: Sent) => ({ ...text('ok'), structuredContent: { id: args.big } })
  const gateway = await testPlugin(responseCache, {}, { reply })
  await gateway.result('demo__echo', { id: 2 ** 60 })
  await gateway.result('demo__echo', { id: 2 ** 60 })
  await gateway.result('demo__echo', { big: '1' })
  assert.equal(gateway.sent.length, 3)
  const huge = { ...text('ok'), structuredContent: { id: 2 ** 60 } }
  const telling = await testPlugin(responseCache, {}, { reply: () => huge })
  await telling.result('demo__echo')
  await telling.result('demo__echo')
  assert.equal(telling.sent.length, 2)
})

test('callers with one identity share, callers with their own never do', async () => {
  const shared = await testPlugin(responseCache)
  await shared.result('demo__echo', {}, anna)
  await shared.result('demo__echo', {}, bob)
  assert.equal(shared.sent.length, 1)
  for (const place of ['before', 'with'] as const) {
    const gateway = await testPlugin(responseCache, {}, { [place]: [[perUser]] })
    await gateway.result('demo__echo', {}, anna)
    await gateway.result('demo__echo', {}, bob)
    await gateway.result('demo__echo', {}, { caller: { principal: { issuer: 'x' } } })
    assert.equal(gateway.sent.length, 3)
    await gateway.result('demo__echo', {}, bob)
    assert.equal(gateway.sent.length, 3)
  }
})

test('what a later shaper sends to another identity is not kept for the first', async () => {
  let turn = 0
  const tools = { a: ['echo'], b: ['echo'] }
  const router = definePlugin({
    name: 'router',
    version: '1.0.0',
    phase: 'shape',
    configSchema: nothing,
    setup: () => ({
      arrange: ([one, other]) =>
        one && other ? [{ ...one, targets: [...one.targets, ...other.targets] }] : [],
      identity: ({ upstream, caller }) => (upstream === 'b' ? caller.principal.subject : ''),
      beforeCall: () => change({ target: { upstream: turn++ % 2 ? 'a' : 'b', name: 'echo' } }),
    }),
  })
  const early = await testPlugin(responseCache, {}, { tools, with: [[router]] })
  for (const one of [anna, bob, anna, bob]) await early.result('a__echo', {}, one)
  assert.equal(early.sent.length, 4)
  turn = 0
  const late = await testPlugin(responseCache, {}, { tools, before: [[router]] })
  // b for anna, a for all, b for bob, a for all again.
  for (const one of [anna, anna, bob, bob]) await late.result('a__echo', {}, one)
  assert.deepEqual(
    late.sent.map(({ upstream }) => upstream),
    ['b', 'a', 'b'],
  )
})

test('who asks for the audience before a target is chosen fails, rather than share', async () => {
  const careless = hooked('shape', { beforeCall: ({ audience }) => void audience })
  const merging = definePlugin({
    name: 'merging',
    version: '1.0.0',
    configSchema: nothing,
    setup: () => ({
      arrange: ([one, other]) =>
        one && other ? [{ ...one, targets: [...one.targets, ...other.targets] }] : [],
    }),
  })
  const tools = { a: ['echo'], b: ['echo'] }
  const options = { tools, with: [[merging], [perUser]] } as const
  const gateway = await testPlugin(careless, {}, options)
  const outcome = await gateway.call('a__echo')
  assert.equal(outcome.kind === 'failure' && outcome.code, 'PLUGIN_FAILED')
  assert.equal(gateway.sent.length, 0)
  assert.ok(gateway.events.some(({ type }) => type === 'call.started'))
})

test('errors are not kept, whoever made them', async () => {
  const failure = { kind: 'failure', code: 'TIMEOUT', message: '', hint: '' } as const
  for (const bad of [
    { ...text('no'), isError: true },
    { ...failure, executed: 'unknown' } as const,
    unauthorized(401),
  ]) {
    const replies = [bad, text('ok')]
    const reply = () => replies.shift() ?? text('too often')
    const gateway = await testPlugin(responseCache, {}, { reply })
    await gateway.call('demo__echo')
    assert.deepEqual(await gateway.result('demo__echo'), text('ok'))
    assert.deepEqual(await gateway.result('demo__echo'), text('ok'))
  }
})

test('guards judge an answer from the cache like any other, both ways', async () => {
  let closed = false
  const judge = hooked('guard', {
    beforeCall: () => (closed ? deny('FORBIDDEN', 'closed') : undefined),
    afterCall: (_call, outcome) =>
      outcome.kind === 'result' ? { ...outcome, result: text('redacted') } : undefined,
  })
  const gateway = await testPlugin(responseCache, {}, { with: [[judge]], reply: () => text('key') })
  assert.deepEqual(await gateway.result('demo__echo'), text('redacted'))
  assert.deepEqual(await gateway.result('demo__echo'), text('redacted'))
  assert.equal(gateway.sent.length, 1)
  closed = true
  assert.equal((await gateway.denied('demo__echo')).code, 'FORBIDDEN')
})

test('a caller who may not use the tool gets nothing from the cache', async () => {
  const filter = hooked('guard', {
    listFilter: ({ principal: { subject } }) => ({
      key: subject,
      test: () => subject === 'anna' || { rule: 'only anna', reason: 'not you' },
    }),
  })
  const gateway = await testPlugin(responseCache, {}, { with: [[filter]] })
  await gateway.result('demo__echo', {}, anna)
  assert.equal((await gateway.denied('demo__echo', {}, bob)).code, 'NOT_FOUND')
})
