import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { afterEach } from 'node:test'
import { Bus, definePlugin, perLine } from 'mcp-patchbay/sdk'
import { testPlugin as kit, type TestGateway, type TestOptions } from 'mcp-patchbay/sdk/testing'
import denylist from './index.ts'

const FILES = {
  tools: { files: ['read', 'delete'], evil: ['files__delete', 'read'] },
} as const satisfies TestOptions
const deletes = { tools: ['files__delete'] }
const WHY = { reason: 'incident 7' }

const started: TestGateway[] = []

/** A gateway that ends with its test: each has a thread for its database. */
async function testPlugin(...parts: Parameters<typeof kit>): Promise<TestGateway> {
  const gateway = await kit(...parts)
  started.push(gateway)
  return gateway
}

afterEach(() => Promise.all(started.splice(0).map((one) => one.stop())))

const say = (gateway: TestGateway, command: string, args?: object) =>
  gateway.command('denylist', command, { ...args }) as Promise<Record<string, unknown>>

/** Waits for what the database's thread, and what follows on it, has to do. */
async function settled(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000
  while (!(await holds())) {
    assert.ok(performance.now() < end, `never came true: ${holds}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('a tool is denied at once, with author, reason and expiry, and back when it is taken back', async () => {
  const gateway = await testPlugin(denylist, {}, FILES)
  await gateway.result('files__read')
  const said = await say(gateway, 'deny', { tool: 'files__read', ...WHY, for: '2h' })
  assert.deepEqual(said, {
    tool: 'files__read',
    effect: 'deny',
    author: 'anna (test)',
    reason: 'incident 7',
    since: '2026-01-01T00:00:00.000Z',
    until: '2026-01-01T02:00:00.000Z',
    matches: ['files__read'],
  })
  const denied = await gateway.denied('files__read')
  assert.deepEqual([denied.code, denied.rule], ['NOT_FOUND', 'deny files__read'])
  assert.ok(!(await gateway.list()).includes('files__read'))
  const { matches: _, ...shown } = said
  assert.deepEqual(await say(gateway, 'list'), [shown])
  const { overrides } = (await gateway.status()).denylist as { overrides: unknown }
  assert.deepEqual(overrides, [shown])
  assert.match(String(await say(gateway, 'undeny', { tool: 'files__read' })), /decide about/)
  await gateway.result('files__read')
  assert.deepEqual(
    gateway.told('plugin').map(({ name, fields }) => [name, fields.tool, fields.author]),
    [
      ['deny', 'files__read', 'anna (test)'],
      ['undeny', 'files__read', 'anna (test)'],
    ],
  )
})

test('what is denied ends by itself at its time, to the millisecond', async () => {
  const gateway = await testPlugin(denylist, {}, FILES)
  await say(gateway, 'deny', { tool: 'files__read', ...WHY, for: '10s' })
  gateway.clock.advance(9_999)
  await gateway.denied('files__read')
  gateway.clock.advance(1)
  await gateway.result('files__read')
  await settled(() => gateway.told('plugin').some(({ name }) => name === 'ended'))
  assert.deepEqual(await say(gateway, 'list'), [])
})

test('a tool of the list is allowed for a while, and denied again after it', async () => {
  const gateway = await testPlugin(denylist, deletes, FILES)
  await gateway.denied('files__delete')
  await say(gateway, 'allow', { tool: 'files__delete', ...WHY, for: '1m' })
  await gateway.result('files__delete')
  gateway.clock.advance(60_000)
  await gateway.denied('files__delete')
})

test("a denial is found by the upstream's own name too, a permission is not", async () => {
  const options = { ...FILES, aliases: { files: { rm: 'delete' } } }
  const gateway = await testPlugin(denylist, { tools: ['*delete'] }, options)
  assert.deepEqual(await gateway.list(), ['files__read', 'evil__read'])
  await say(gateway, 'allow', { tool: 'files__delete', ...WHY, for: '1m' })
  // With its alias, and without the server that calls its own tool so.
  assert.deepEqual(await gateway.list(), [
    'files__read',
    'files__delete',
    'files__rm',
    'evil__read',
  ])
  await say(gateway, 'deny', { tool: 'read', ...WHY })
  assert.deepEqual(await gateway.list(), ['files__delete', 'files__rm'])
})

test('what denies goes before what allows', async () => {
  const gateway = await testPlugin(denylist, {}, FILES)
  await say(gateway, 'allow', { tool: 'files__delete', ...WHY, for: '1m' })
  await say(gateway, 'deny', { tool: 'delete', ...WHY })
  await gateway.denied('files__delete')
})

test('what was said last about a name is what counts', async () => {
  const gateway = await testPlugin(denylist, deletes, FILES)
  await say(gateway, 'allow', { tool: 'files__delete', ...WHY, for: '1m' })
  await say(gateway, 'deny', { tool: 'files__delete', reason: 'no' })
  await gateway.denied('files__delete')
  assert.equal(((await say(gateway, 'list')) as unknown as unknown[]).length, 1)
})

test('what was said outlives a restart, except what has ended meanwhile', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'patchbay-denylist-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const options = { ...FILES, database: join(folder, 'patchbay.db') }
  const before = await testPlugin(denylist, deletes, options)
  await say(before, 'deny', { tool: 'evil__read', ...WHY })
  await say(before, 'allow', { tool: 'files__delete', ...WHY, for: '1m' })
  await before.stop()
  const after = await testPlugin(denylist, deletes, options)
  await after.denied('evil__read')
  await after.result('files__delete')
  after.clock.advance(60_000)
  await after.denied('files__delete')
  await after.denied('evil__read')
})

test('other replicas follow at once where there is a bus, and soon where there is none', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'patchbay-denylist-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const listeners = new Set<(message: unknown) => void>()
  const bus = definePlugin({
    name: 'test-bus',
    version: '1.0.0',
    configSchema: { type: 'object', additionalProperties: false, properties: {} },
    provides: { bus: Bus },
    setup: () => ({
      provide: () => ({
        bus: perLine(
          () =>
            ({
              replica: 'one',
              publish: (_topic: string, message: unknown) => {
                for (const listener of listeners) listener(message)
              },
              subscribe(_topic: string, listener: (message: unknown) => void) {
                listeners.add(listener)
                return () => listeners.delete(listener)
              },
            }) as unknown as Bus,
        ),
      }),
    }),
  })
  for (const joined of [true, false]) {
    const file = join(folder, `${joined}.db`)
    const options = { ...FILES, database: file, ...(joined ? { before: [[bus] as const] } : {}) }
    const one = await testPlugin(denylist, {}, options)
    const two = await testPlugin(denylist, {}, options)
    await two.result('files__read')
    await say(one, 'deny', { tool: 'files__read', ...WHY })
    if (!joined) two.clock.advance(30_000)
    await settled(async () => (await two.call('files__read')).kind === 'denial')
    await say(two, 'undeny', { tool: 'files__read' })
    if (!joined) one.clock.advance(30_000)
    await settled(async () => (await one.call('files__read')).kind === 'result')
    await one.stop()
    await two.stop()
  }
})

test('commands that cannot be meant are refused, and a name that hits nothing is told', async () => {
  const gateway = await testPlugin(denylist, {}, FILES)
  const refusals: [string, object, RegExp][] = [
    ['deny', { tool: 'a' }, /needs `reason`/],
    ['deny', { reason: 'b' }, /needs `tool`/],
    ['deny', { tool: '', ...WHY }, /tool: must not be empty/],
    ['deny', { tool: 'a', ...WHY, for: 'long' }, /for: .*duration/],
    ['deny', { tool: 'a', ...WHY, for: '0s' }, /`for` must be above 0/],
    ['deny', { tool: 'a', ...WHY, until: '1h' }, /until: is no argument/],
    ['allow', { tool: 'a', ...WHY }, /needs `for`/],
    ['allow', { tool: 'a', ...WHY, for: '721h' }, /more than 30 days/],
    ['undeny', { tool: 'a' }, /nothing was said about a. Known: none/],
  ]
  for (const [command, args, message] of refusals) {
    await assert.rejects(say(gateway, command, args), { message }, JSON.stringify(args))
  }
  const { note } = await say(gateway, 'deny', { tool: 'files__raed', ...WHY })
  assert.match(String(note), /no upstream lists such a tool/)
})
