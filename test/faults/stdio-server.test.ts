// What servers behind a pipe do wrong while two callers share it: the one at fault pays, and nobody else.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, type Driven, mayHaveRun, trouble } from '../e2e/upstreams/gateway.ts'
import { driveScript } from '../e2e/upstreams/script.ts'
import { leavesNothing } from '../fixtures/leaks.ts'

const textOf = ({ result }: Answer): string => result?.content[0]?.text ?? ''
const passes = (gateway: Driven) => () => gateway.clock.advance(1_000)

/** What a call of `run` is answered with: JavaScript where `id` and `token` are those of the call. */
const SURVIVES: Readonly<Record<string, string>> = {
  'sends a result twice': `say(id, text('fine')); say(id, text('once more'))`,
  'answers ids nobody asked for': `say(999999, text('no')); say('x', text('no')); say(null, text('no')); say(id, text('fine'))`,
  'sends lines with a wrong jsonrpc': `send({ jsonrpc: '1.0', id, result: text('no') }); send({ jsonrpc: 2, id, result: text('no') }); say(id, text('fine'))`,
  'reports progress of a call that is finished': `say(id, text('fine')); send({ method: 'notifications/progress', params: { progressToken: token, progress: 99 } })`,
  'sends 10 MB in one line': `say(id, text('fine'.padEnd(10 * 1024 * 1024)))`,
  'answers what is no result, and then the call': `console.log('{"id":'); console.log('[]'); say(id, text('fine'))`,
}

for (const [what, lines] of Object.entries(SURVIVES)) {
  test(`a server that ${what} is answered for once, and the other call on its pipe is untouched`, async (t) => {
    const gateway = await driveScript(
      t,
      `const held = []
       acts['tools/call'] = ({ id, params: { name, _meta: { progressToken: token } = {} } }) => {
         if (name === 'pid') return held.push(id)
         ${lines}
         for (const other of held.splice(0)) say(other, text('the other one'))
       }`,
    )
    await gateway.ready()
    await leavesNothing(async () => {
      const other = gateway.call('up__pid')
      const got = await gateway.call('up__run', { meta: { progressToken: 'mine' } })
      assert.equal(textOf(got).trim(), 'fine')
      // Whichever of the two came first.
      const answer = await Promise.race([other, gateway.call('up__run').then(() => other)])
      assert.equal(textOf(answer), 'the other one')
    }, passes(gateway))
  })
}

test('a server that stalls is given up when its silence limit has passed, and its pipe serves others', async (t) => {
  const gateway = await driveScript(
    t,
    `acts['tools/call'] = ({ id, params: { name } }) => { if (name === 'pid') say(id, text('ok')) }
     acts['notifications/cancelled'] = ({ params: { requestId: id } }) => say(id, text('too late'))`,
    { timeout: '10s' },
  )
  await gateway.ready()
  await leavesNothing(async () => {
    const from = gateway.clock.monotonic()
    let got: Answer | undefined
    void gateway.call('up__run').then((answer) => {
      got = answer
    })
    await gateway.passUntil(() => got !== undefined)
    assert.match(trouble(got as Answer), /silent for 10 s/)
    assert.equal(mayHaveRun(got as Answer), true)
    assert.ok(gateway.clock.monotonic() - from >= 10_000)
    assert.equal(textOf(await gateway.call('up__pid')), 'ok')
  }, passes(gateway))
})

test('a server that dies in the middle of calls fails all of them at once, and is started again', async (t) => {
  const gateway = await driveScript(
    t,
    `let open = 0
     acts['tools/call'] = ({ id, params: { name } }) => {
       if (name === 'pid') return say(id, text('ok'))
       // In the middle of a line.
       if (++open === 3) process.stdout.write('{"jsonrpc":"2.0","id":', () => process.exit(1))
     }`,
  )
  await gateway.ready()
  await leavesNothing(async () => {
    const calling = [1, 2, 3].map(() => gateway.call('up__run'))
    for (const got of await Promise.all(calling)) {
      assert.match(trouble(got), /exited with code 1/)
      assert.equal(mayHaveRun(got), true)
    }
    await gateway.passUntil(() => gateway.status().up?.state === 'ready')
    assert.equal(textOf(await gateway.call('up__pid')), 'ok')
  }, passes(gateway))
})

test('a server that changes its era when it is started again is spoken to in the new one', async (t) => {
  const gateway = await driveScript(
    t,
    `const { readFileSync } = await import('node:fs')
     const deaths = readFileSync('notes.txt', 'utf8').split('died').length - 1
     const modern = deaths % 2 === 1
     if (modern) {
       acts['server/discover'] = ({ id }) => say(id, { supportedVersions: ['2026-07-28'], capabilities: { tools: {} } })
       acts.initialize = ({ id }) => send({ id, error: { code: -32022, message: 'no' } })
     }
     acts['tools/call'] = ({ id, params: { name } }) => {
       if (name === 'pid') return say(id, text(modern ? 'modern' : 'legacy'))
       note('died')
       process.exit(1)
     }`,
  )
  await gateway.ready()
  const seen = new Set<string>()
  await leavesNothing(async () => {
    assert.match(trouble(await gateway.call('up__run')), /exited with code 1/)
    await gateway.passUntil(() => gateway.status().up?.state === 'ready')
    const era = textOf(await gateway.call('up__pid'))
    assert.equal(gateway.status().up?.era, era)
    seen.add(era)
  }, passes(gateway))
  assert.deepEqual([...seen].sort(), ['legacy', 'modern'])
})

test('a question on a pipe with two callers’ calls open is nobody’s: the server is refused, both calls go on', async (t) => {
  const gateway = await driveScript(
    t,
    `const open = []
     acts['tools/call'] = ({ id }) => {
       if (open.push(id) === 2) send({ id: 'q', method: 'elicitation/create', params: { message: 'whose?' } })
     }
     acts[undefined] = ({ id, error }) => {
       if (id === 'q') for (const one of open.splice(0)) say(one, text(error?.code ?? 'was answered'))
     }`,
  )
  await gateway.ready()
  const meta = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } } }
  await leavesNothing(async () => {
    const got = await Promise.all(
      ['anna', 'bert'].map((client) => gateway.call('up__run', { client, meta })),
    )
    for (const answer of got) {
      assert.doesNotMatch(JSON.stringify(answer), /whose\?/)
      assert.match(textOf(answer), /^-32\d{3}$/)
    }
  }, passes(gateway))
})
