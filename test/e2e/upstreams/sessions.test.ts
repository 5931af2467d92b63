// `session: per-client`: how many there may be, and when one ends.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Answer, drive, trouble, until } from './gateway.ts'
import { OPERATOR } from './operator.ts'
import { driveScript } from './script.ts'
import { answer, type Message, stub } from './stub.ts'

const words = ({ result }: Answer) => result?.content[0]?.text

test('over the cap the longest unused session gives way, and never one with a call on it', async (t) => {
  const server = await stub(t)
  let opened = 0
  server.acts.initialize = (_, response) => {
    server.session = `s${++opened}`
    response.setHeader('mcp-session-id', server.session)
    return { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: {} }
  }
  const finish: (() => void)[] = []
  const say = (message: Message, text: unknown) => ({ message, content: [{ type: 'text', text }] })
  server.acts['tools/list'] = () => ({ tools: server.tools })
  server.acts['tools/call'] = ({ message, headers }, response) => {
    const result = say(message, headers['mcp-session-id'])
    const { hold } = (message.params?.arguments ?? {}) as { hold?: boolean }
    if (hold !== true) return result
    finish.push(() => answer(response, message, result))
    return undefined
  }
  const gateway = await drive(t, {
    up: {
      url: server.url,
      session: 'per-client',
      maxSessions: 2,
      sessionIdle: '1m',
      timeout: '1h',
    },
  })
  await gateway.ready()
  const call = (client: string, hold = false) =>
    gateway.call('up__look', { client, args: { hold } })
  const busy = call('busy', true)
  await until(() => finish.length === 1)
  assert.equal(words(await call('one')), 's3')
  gateway.clock.advance(10)
  assert.equal(words(await call('two')), 's4', 'one has given way, busy has not')
  assert.deepEqual(
    server.of('DELETE').map(({ headers }) => headers['mcp-session-id']),
    ['s3'],
  )
  const other = call('two', true)
  await until(() => finish.length === 2)
  const refused = trouble(await call('three'))
  assert.match(refused, /all of its 2 sessions are busy; its `maxSessions` allows no more/)
  assert.doesNotMatch(refused, /Check whether/)
  for (let half = 0; half < 6; half++) gateway.clock.advance(30_000)
  assert.equal(server.of('DELETE').length, 1)
  for (const one of finish) one()
  assert.deepEqual([words(await busy), words(await other)], ['s2', 's4'])
  for (let half = 0; half < 6; half++) gateway.clock.advance(30_000)
  await until(() => server.of('DELETE').length === 3)
})

test('whoever logs out has no process left, once the calls on it are over', async (t) => {
  const lines = `
let finish
const usual = acts['tools/call']
acts['tools/call'] = (message) => {
  if (message.params.arguments.hold) finish = () => usual(message)
  else { usual(message); finish?.() }
}
process.on('exit', () => note('ended ' + process.pid))
process.on('SIGTERM', () => process.exit())`
  const settings = { session: 'per-client' }
  const gateway = await driveScript(t, lines, settings, [OPERATOR.plugin], {}, OPERATOR.files)
  await gateway.ready()
  const notes = () => readFileSync(join(gateway.folder, 'notes.txt'), 'utf8')
  const pid = async () => words(await gateway.call('up__pid'))
  const first = await pid()
  assert.equal(await pid(), first)
  assert.match(trouble(await gateway.call('up__pid', { args: { act: 'log out' } })), /done/)
  await until(() => notes().includes(`ended ${first}`))
  assert.notEqual(await pid(), first)
  assert.equal(gateway.status().up?.state, 'ready')
  // The gateway's own is nobody's: started once, and so was one before and one after.
  assert.equal(notes().match(/^started$/gm)?.length, 3)
})
