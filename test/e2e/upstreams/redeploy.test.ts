// What becomes of calls when their server is replaced: real processes behind one address.
import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Scope } from '../../fixtures/gateway.ts'
import { type Answer, drive, mayHaveRun, trouble, until } from './gateway.ts'
import { OPERATOR } from './operator.ts'
import { driveScript } from './script.ts'

interface Deployed {
  readonly process: ChildProcess
  readonly port: number
  /** The calls it executed, in order. */
  readonly executed: string[]
  readonly opened: string[]
}

async function deploy(scope: Scope, name: string): Promise<Deployed> {
  const process = fork(join(import.meta.dirname, 'redeployed.mjs'), [name])
  scope.after(() => process.kill('SIGKILL'))
  const executed: string[] = []
  const opened: string[] = []
  let port = 0
  process.on('message', (said: { port?: number; executed?: string; opened?: string }) => {
    if (said.port !== undefined) port = said.port
    if (said.executed !== undefined) executed.push(said.executed)
    if (said.opened !== undefined) opened.push(said.opened)
  })
  await until(() => port !== 0)
  return { process, port, executed, opened }
}

/** An address that stays, in front of whichever server is deployed. */
async function address(scope: Scope, first: Deployed) {
  let { port } = first
  const sockets = new Set<Socket>()
  const relay = createServer((client) => {
    const server = connect(port, '127.0.0.1')
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
    client.pipe(server).pipe(client)
    client.on('close', () => server.destroy())
    server.on('close', () => client.destroy())
  })
  scope.after(() => {
    relay.close()
    for (const socket of sockets) socket.destroy()
  })
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(relay.address() as AddressInfo).port}/mcp`
  const turnTo = (next: Deployed) => {
    port = next.port
  }
  return { url, turnTo }
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)
const words = ({ result }: Answer) => result?.content[0]?.text

test('50 calls in flight survive a redeploy, and those that follow open one new session', async (t) => {
  const old = await deploy(t, 'old')
  const { url, turnTo } = await address(t, old)
  const gateway = await drive(t, { up: { url } })
  await gateway.ready()
  const write = (n: number, hold: boolean) => gateway.call('up__write', { args: { n, hold } })

  const before = range(0, 50).map((n) => write(n, true))
  await until(() => old.executed.length === 50)
  const next = await deploy(t, 'next')
  turnTo(next)
  old.process.send('drain')
  const after = await Promise.all(range(50, 100).map((n) => write(n, false)))
  assert.deepEqual(
    after.map(words),
    range(50, 100).map((n) => `next ${n}`),
  )
  old.process.send('release')
  assert.deepEqual(
    (await Promise.all(before)).map(words),
    range(0, 50).map((n) => `old ${n}`),
  )
  await until(() => old.process.exitCode === 0)
  assert.deepEqual(next.opened, ['next-0'])
  assert.equal(old.opened.length, 1)
  const executed = [...old.executed, ...next.executed]
  assert.equal(executed.length, 100)
  assert.equal(new Set(executed).size, 100)
})

test('a server that is killed: what changes nothing is sent again, the rest says that nobody knows', async (t) => {
  const old = await deploy(t, 'old')
  const { url, turnTo } = await address(t, old)
  const gateway = await drive(t, { up: { url, trustAnnotations: true } })
  await gateway.ready()
  const call = (name: string, n: number) => gateway.call(name, { args: { n, hold: true } })
  const writes = range(0, 25).map((n) => call('up__write', n))
  const looks = range(0, 25).map((n) => call('up__look', n))
  await until(() => old.executed.length === 50)
  const next = await deploy(t, 'next')
  turnTo(next)
  old.process.kill('SIGKILL')
  for (const answer of await Promise.all(writes)) assert.ok(mayHaveRun(answer))
  await until(() => next.executed.length === 25)
  next.process.send('release')
  assert.deepEqual(
    (await Promise.all(looks)).map(words),
    range(0, 25).map((n) => `next ${n}`),
  )
  assert.deepEqual(
    next.executed.filter((one) => one.startsWith('write')),
    [],
  )
  assert.equal(new Set(next.executed).size, 25)
  assert.deepEqual(next.opened, ['next-0'])
})

test('a stdio server that is replaced ends the calls that are under way on its old process', async (t) => {
  const lines = `
const held = []
acts['tools/call'] = ({ id, params: { arguments: { n } } }) => {
  note('executed ' + n)
  held.push(() => say(id, text(process.pid)))
}
const { existsSync } = await import('node:fs')
setInterval(() => existsSync('release') && held.splice(0).forEach((finish) => finish()), 5).unref()`
  const gateway = await driveScript(t, lines, {}, [OPERATOR.plugin], {}, OPERATOR.files)
  await gateway.ready()
  const call = (n: number) => gateway.call('up__run', { args: { n } })
  const notes = () => readFileSync(join(gateway.folder, 'notes.txt'), 'utf8').split('\n')
  const executed = () => notes().filter((line) => line.startsWith('executed'))

  const before = range(0, 50).map(call)
  await until(() => executed().length === 50)
  assert.match(trouble(await gateway.call('up__run', { args: { act: 'reconnect' } })), /done/)
  const after = range(50, 60).map(call)
  await until(() => executed().length === 60)
  writeFileSync(join(gateway.folder, 'release'), '')
  const old = new Set((await Promise.all(before)).map(words))
  const next = new Set((await Promise.all(after)).map(words))
  assert.equal(old.size, 1)
  assert.equal(next.size, 1)
  assert.notDeepEqual(old, next)
  assert.equal(new Set(executed()).size, 60)
  const pid = Number([...old][0])
  // A zombie is dead: nobody in this process group reaps it.
  await until(() => /State:\s+Z/.test(stateOf(pid)))
})

function stateOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return 'State: Z'
  }
}
