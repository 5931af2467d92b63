import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, Database, definePlugin, deny, type GuardHooks, type Outcome } from 'mcp-patchbay/sdk'
import { type TestGateway, testPlugin } from 'mcp-patchbay/sdk/testing'

const nothing = { type: 'object', additionalProperties: false, properties: {} } as const

interface Row {
  call: string
  tool: string
  subject: string
  outcome: string
  executed: string
}

/** Writes every call down before its answer leaves; what could not be written is not answered. */
const strictAudit = definePlugin({
  name: 'strict-audit',
  version: '1.0.0',
  configSchema: nothing,
  needs: { database: Database },
  migrations: {
    '001-calls': {
      up: (db, sql) =>
        db.schema
          .createTable('calls')
          .addColumn('call', 'text')
          .addColumn('tool', 'text')
          .addColumn('subject', 'text')
          .addColumn('outcome', 'text')
          .addColumn('executed', 'text')
          // How the tests make a write fail.
          .addCheckConstraint('writable', sql`tool <> 'demo__unwritable'`)
          .execute(),
    },
  },
  setup(_config, { database }) {
    const db = database.kysely<{ calls: Row }>()
    return {
      async settle(event) {
        if (event.type !== 'call.finished') return
        const { id, name, caller, outcome } = event
        await db
          .insertInto('calls')
          .values({
            call: id,
            tool: name,
            subject: caller.principal.subject,
            outcome: 'code' in outcome ? outcome.code : outcome.kind,
            executed: String(outcome.executed),
          })
          .execute()
      },
      status: async () => ({ rows: await db.selectFrom('calls').selectAll().execute() }),
    }
  },
})

const asking = { client: { capabilities: { elicitation: {} } } }
const tools = ['echo', 'unwritable']

const hooked = (hooks: GuardHooks) =>
  definePlugin({
    name: 'other',
    version: '1.0.0',
    phase: 'guard',
    configSchema: nothing,
    setup: () => hooks,
  })

const approval = hooked({
  beforeCall: ({ answers }) =>
    answers.ok
      ? undefined
      : ask({ ok: { method: 'elicitation/create', params: { message: 'Sure?' } } }),
})
const yes = { ok: { action: 'accept', content: {} } }

async function rows(gateway: TestGateway): Promise<Row[]> {
  const { 'strict-audit': section } = await gateway.status()
  return (section as { rows: Row[] }).rows
}

const ends = async (gateway: TestGateway) =>
  (await rows(gateway)).map(({ tool, outcome, executed }) => [tool, outcome, executed])

const code = (outcome: Outcome) => ('code' in outcome ? outcome.code : outcome.kind)

test('a call is written down by the time it is answered, however it ended', async () => {
  const judge = hooked({
    beforeCall: ({ args }) => (args.bad ? deny('FORBIDDEN', 'bad') : undefined),
  })
  const gateway = await testPlugin(strictAudit, {}, { with: [[judge]] })
  await gateway.result('demo__echo')
  assert.equal((await rows(gateway)).length, 1)
  await gateway.denied('demo__echo', { bad: true })
  await gateway.denied('demo__none')
  assert.deepEqual(await ends(gateway), [
    ['demo__echo', 'result', 'true'],
    ['demo__echo', 'FORBIDDEN', 'false'],
    ['demo__none', 'NOT_FOUND', 'false'],
  ])
  await gateway.stop()
})

test('an answer that cannot be written down is kept back, and the caller is told that it ran', async () => {
  const reply = () => ({ content: [{ type: 'text', text: 'the answer' }] })
  const gateway = await testPlugin(strictAudit, {}, { tools, reply })
  const outcome = await gateway.call('demo__unwritable')
  assert.equal(code(outcome), 'PLUGIN_FAILED')
  assert.equal(outcome.kind === 'failure' && outcome.hook, 'settle')
  assert.equal(outcome.executed, true)
  assert.doesNotMatch(JSON.stringify(outcome), /the answer/)
  assert.equal(gateway.sent.length, 1)
  await gateway.result('demo__echo')
  assert.deepEqual(await ends(gateway), [['demo__echo', 'result', 'true']])
  await gateway.stop()
})

test('a write that hangs is a write that failed', async () => {
  const hanging = hooked({ settle: () => new Promise(() => {}) })
  const gateway = await testPlugin(strictAudit, {}, { with: [[hanging]] })
  const running = gateway.call('demo__echo')
  // The first auditor writes, and only then is the second one asked.
  while ((await rows(gateway)).length === 0) await new Promise(setImmediate)
  await new Promise(setImmediate)
  gateway.clock.advance(2_250)
  assert.equal(code(await running), 'PLUGIN_FAILED')
  await gateway.stop()
})

test('200 calls at once are 200 rows', async () => {
  const gateway = await testPlugin(strictAudit)
  const subjects = Array.from({ length: 200 }, (_, n) => `subject-${n}`)
  await Promise.all(
    subjects.map((subject) =>
      gateway.result('demo__echo', {}, { caller: { principal: { subject } } }),
    ),
  )
  const written = await rows(gateway)
  assert.equal(written.length, 200)
  assert.deepEqual(written.map(({ subject }) => subject).sort(), subjects.sort())
  assert.equal(new Set(written.map(({ call }) => call)).size, 200)
  await gateway.stop()
})

test('a call of several rounds is one row, written when it ends', async () => {
  const gateway = await testPlugin(strictAudit, {}, { ...asking, with: [[approval]] })
  const question = await gateway.call('demo__echo')
  assert.deepEqual(await rows(gateway), [])
  await gateway.answer(question, yes)
  gateway.clock.advance(11 * 60_000)
  await new Promise(setImmediate)
  assert.deepEqual(await ends(gateway), [['demo__echo', 'result', 'true']])
  await gateway.stop()
})

test('a question that nobody answers is one row, also when an answer comes too late', async () => {
  const gateway = await testPlugin(strictAudit, {}, { ...asking, with: [[approval]] })
  const question = await gateway.call('demo__echo')
  gateway.clock.advance(11 * 60_000)
  while ((await rows(gateway)).length === 0) await new Promise(setImmediate)
  assert.deepEqual(await ends(gateway), [['demo__echo', 'cancelled', 'false']])
  // The late answer is a call of its own, and refused.
  assert.equal(code(await gateway.answer(question, yes)), 'INVALID')
  gateway.clock.advance(11 * 60_000)
  await new Promise(setImmediate)
  assert.deepEqual(await ends(gateway), [
    ['demo__echo', 'cancelled', 'false'],
    ['demo__echo', 'INVALID', 'false'],
  ])
  await gateway.stop()
})
