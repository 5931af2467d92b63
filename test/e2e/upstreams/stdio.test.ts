import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Answer, type Driven, mayHaveRun, trouble, until } from './gateway.ts'
import { driveScript } from './script.ts'

const textOf = ({ result }: Answer): string => result?.content[0]?.text ?? ''

/** What the server noted: its starts and the methods it was asked, oldest first. */
function notes({ folder }: Driven): string[] {
  try {
    return readFileSync(join(folder, 'notes.txt'), 'utf8').trim().split('\n')
  } catch {
    return []
  }
}

const count = (gateway: Driven, what: string) =>
  notes(gateway).filter((note) => note === what).length

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // A zombie is dead: nobody in this process group reaps it.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

test('a legacy server is asked both ways over one pipe, and then works', async (t) => {
  const gateway = await driveScript(t, '')
  await gateway.ready()
  assert.equal(gateway.status().up?.era, 'legacy')
  assert.equal(textOf(await gateway.call('up__run', { args: { a: 1 } })), '{"a":1}')
  assert.deepEqual(notes(gateway), [
    'started',
    'server/discover',
    'initialize',
    'notifications/initialized',
    'tools/list',
    'tools/call',
  ])
})

test('a modern server needs no handshake and gets the envelope in each request', async (t) => {
  const gateway = await driveScript(
    t,
    `acts['server/discover'] = ({ id }) =>
       say(id, { supportedVersions: ['2026-07-28'], capabilities: { tools: { listChanged: true } } })
     acts['subscriptions/listen'] = () => {}
     let tools = [tool('run'), tool('pid')]
     acts['tools/list'] = ({ id }) => say(id, { tools })
     acts['tools/call'] = ({ id, params }) => {
       say(id, text(params._meta['io.modelcontextprotocol/protocolVersion']))
       tools = [tool('run')]
       send({ method: 'notifications/tools/list_changed', params: {} })
     }`,
  )
  await gateway.ready()
  assert.equal(gateway.status().up?.era, 'modern')
  assert.equal(textOf(await gateway.call('up__run')), '2026-07-28')
  await gateway.until(() => gateway.catalog?.entries.length === 1)
  assert.equal(count(gateway, 'initialize'), 0)
})

test('a server that says nothing to the probe is asked the old way after three seconds', async (t) => {
  const gateway = await driveScript(t, `delete acts['server/discover']`)
  await until(() => count(gateway, 'server/discover') === 1)
  assert.equal(count(gateway, 'initialize'), 0)
  await gateway.passUntil(() => gateway.status().up?.state === 'ready')
  assert.equal(count(gateway, 'started'), 1)
})

test('a server that dies of the probe is asked only the old way from then on', async (t) => {
  const gateway = await driveScript(t, `acts['server/discover'] = () => process.exit(3)`)
  await gateway.until(() => gateway.status().up?.state === 'down')
  assert.match(gateway.status().up?.error ?? '', /exited with code 3/)
  await gateway.passUntil(() => gateway.status().up?.state === 'ready')
  assert.equal(count(gateway, 'server/discover'), 1)
  const pid = Number(textOf(await gateway.call('up__pid')))
  gateway.clock.advance(5 * 60_000)
  process.kill(pid, 'SIGKILL')
  await gateway.until(() => gateway.status().up?.state === 'down')
  await gateway.passUntil(() => gateway.status().up?.state === 'ready')
  assert.equal(count(gateway, 'server/discover'), 1)
})

test('a server that crashes again and again is started less and less often', async (t) => {
  const gateway = await driveScript(t, `process.exit(2)`)
  const delays: number[] = []
  for (const times of [1, 2, 3, 4]) {
    await gateway.passUntil(() => count(gateway, 'started') === times)
    await until(() => {
      const { state, nextAttempt = 0 } = gateway.status().up ?? {}
      return state === 'down' && nextAttempt > gateway.clock.now()
    })
    delays.push((gateway.status().up?.nextAttempt ?? 0) - gateway.clock.now())
  }
  assert.ok((delays[3] ?? 0) > 2 * (delays[0] ?? 0), delays.join(', '))
})

test('a server that was ready and crashes at once is crash-looping too', async (t) => {
  const gateway = await driveScript(t, `acts['tools/call'] = () => process.exit(1)`)
  const delays: number[] = []
  for (const _ of [1, 2, 3]) {
    await gateway.passUntil(() => gateway.status().up?.state === 'ready')
    await gateway.call('up__run')
    delays.push((gateway.status().up?.nextAttempt ?? 0) - gateway.clock.now())
  }
  assert.ok((delays[2] ?? 0) > 2 * (delays[0] ?? 0), delays.join(', '))
})

test('what a server prints beside its messages is passed over', async (t) => {
  const gateway = await driveScript(
    t,
    `console.log('Welcome!'); console.log('{"half": '); console.log('[1,2]'); console.log('');
     acts['tools/call'] = ({ id }) => { console.log('working…'); send({ id: 999, result: {} }); say(id, text('ok')) }`,
  )
  await gateway.ready()
  assert.equal(textOf(await gateway.call('up__run')), 'ok')
})

test('frames of two megabytes travel both ways', async (t) => {
  const gateway = await driveScript(t, '')
  await gateway.ready()
  const big = 'ä'.repeat(1024 * 1024)
  const echoed = JSON.parse(textOf(await gateway.call('up__run', { args: { big } })))
  assert.equal(echoed.big.length, big.length)
  assert.ok(echoed.big === big)
})

test('a frame of 33 megabytes ends the server, says so, and harms nothing else', async (t) => {
  const gateway = await driveScript(
    t,
    `acts['tools/call'] = ({ id, params: { arguments: { size } } }) => say(id, text('x'.repeat(size ?? 1)))`,
  )
  await gateway.ready()
  const got = await gateway.call('up__run', { args: { size: 33 * 1024 * 1024 } })
  assert.match(trouble(got), /sent a message larger than 33554432 bytes/)
  assert.equal(mayHaveRun(got), true)
  await gateway.passUntil(() => gateway.status().up?.state === 'ready')
  assert.equal(textOf(await gateway.call('up__run')), 'x')
})

test('whatever the server started ends with the gateway', async (t) => {
  const gateway = await driveScript(
    t,
    `const { spawn } = await import('node:child_process')
     const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'inherit' })
     acts['tools/call'] = ({ id }) => say(id, text(process.pid + ' ' + child.pid))`,
  )
  await gateway.ready()
  const pids = textOf(await gateway.call('up__run'))
    .split(' ')
    .map(Number)
  assert.deepEqual(pids.map(alive), [true, true])
  await gateway.stop()
  await until(() => pids.every((pid) => !alive(pid)))
})

test('a server that dies is noticed though its child holds the pipes open', async (t) => {
  const gateway = await driveScript(
    t,
    `const { spawn } = await import('node:child_process')
     const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'inherit' })
     acts['tools/call'] = ({ id, params: { name } }) => name === 'pid' ? say(id, text(child.pid)) : process.exit(1)`,
  )
  await gateway.ready()
  const child = Number(textOf(await gateway.call('up__pid')))
  assert.match(trouble(await gateway.call('up__run')), /exited with code 1/)
  await until(() => !alive(child))
})

test('a server that ignores SIGTERM is killed five seconds later', async (t) => {
  const gateway = await driveScript(
    t,
    `process.on('SIGTERM', () => note('SIGTERM')); setInterval(() => {}, 1e6)`,
  )
  await gateway.ready()
  const pid = Number(textOf(await gateway.call('up__pid')))
  let stopped = false
  const stopping = gateway.stop().then(() => {
    stopped = true
  })
  await until(() => count(gateway, 'SIGTERM') === 1)
  gateway.clock.advance(4_500)
  assert.equal(alive(pid), true)
  assert.equal(stopped, false)
  gateway.clock.advance(1_000)
  await stopping
  assert.equal(alive(pid), false)
})

test('a server sees the variables it was given and no others', async (t) => {
  process.env.PATCHBAY_TEST_SECRET = 'do not tell'
  t.after(() => delete process.env.PATCHBAY_TEST_SECRET)
  const gateway = await driveScript(
    t,
    `acts['tools/call'] = ({ id }) => say(id, text(JSON.stringify({ ...process.env, CWD: process.cwd() })))`,
    { env: { TOKEN: 't1' } },
  )
  await gateway.ready()
  const env = JSON.parse(textOf(await gateway.call('up__run')))
  assert.equal(env.TOKEN, 't1')
  assert.equal(env.PATH, process.env.PATH)
  assert.equal(env.PATCHBAY_TEST_SECRET, undefined)
  assert.equal(env.CWD, gateway.folder)
})

test('the last lines of stderr are in the status of a server that is down', async (t) => {
  const gateway = await driveScript(
    t,
    `for (let i = 0; i < 30; i++) console.error('line ' + i)
     process.stderr.write('no key: set '); process.stderr.write('API_KEY'); process.exitCode = 4
     process.stdin.destroy()`,
  )
  await gateway.until(() => gateway.status().up?.state === 'down')
  const { stderr = [], error } = gateway.status().up ?? {}
  assert.equal(stderr.length, 20)
  assert.equal(stderr.at(-1), 'no key: set API_KEY')
  assert.match(error ?? '', /exited with code 4/)
})

test('a program that does not exist is told of, and nothing else is delayed', async (t) => {
  const gateway = await driveScript(t, '', { command: ['no-such-program-anywhere'] })
  await gateway.until(() => gateway.status().up?.state === 'down')
  assert.match(gateway.status().up?.error ?? '', /could not be started: .*no-such-program/)
})

test('a call that is cancelled is cancelled at the server, whose pipe others go on using', async (t) => {
  const gateway = await driveScript(
    t,
    `acts['tools/call'] = ({ id, params: { name } }) => { if (name === 'pid') say(id, text('ok')) }`,
  )
  await gateway.ready()
  const gone = new AbortController()
  const calling = gateway.call('up__run', { signal: gone.signal })
  await until(() => count(gateway, 'tools/call') === 1)
  gone.abort()
  await assert.rejects(calling, { name: 'AbortError' })
  await until(() => count(gateway, 'notifications/cancelled') === 1)
  assert.equal(textOf(await gateway.call('up__pid')), 'ok')
})

test('a server too busy to list its tools again keeps the call it is busy with', async (t) => {
  const gateway = await driveScript(
    t,
    `let lists = 0; let waiting
     const list = acts['tools/list']
     acts['tools/list'] = (message) => { if (++lists === 1) list(message); else if (lists > 2) say(waiting, text('done')) }
     acts['tools/call'] = ({ id }) => { waiting = id }`,
    { timeout: '2m', timeouts: { run: { timeout: '30m' } }, refresh: '4m' },
  )
  await gateway.ready()
  const calling = gateway.call('up__run')
  await until(() => count(gateway, 'tools/call') === 1)
  gateway.clock.advance(4 * 60_000 + 250)
  await until(() => count(gateway, 'tools/list') === 2)
  gateway.clock.advance(2 * 60_000 + 250)
  await until(() => /did not list again what it has/.test(JSON.stringify(gateway.log)))
  assert.equal(gateway.status().up?.state, 'ready')
  gateway.clock.advance(2 * 60_000)
  assert.equal(textOf(await calling), 'done')
  assert.equal(count(gateway, 'started'), 1)
})

test('session: per-client gives each client software a process of its own, and closes idle ones', async (t) => {
  const gateway = await driveScript(t, '', { session: 'per-client' })
  await gateway.ready()
  const pid = async (client: string) => Number(textOf(await gateway.call('up__pid', { client })))
  const one = await pid('one')
  const two = await pid('two')
  assert.notEqual(one, two)
  assert.equal(await pid('one'), one)
  assert.equal(count(gateway, 'started'), 3)
  for (let minute = 0; minute < 9; minute++) gateway.clock.advance(60_000)
  assert.equal(await pid('two'), two)
  for (let minute = 0; minute < 3; minute++) gateway.clock.advance(60_000)
  await until(() => !alive(one))
  assert.equal(alive(two), true)
  assert.notEqual(await pid('one'), one)
})

test('a gateway that is stopped while a server has yet to answer does not wait for it', async (t) => {
  const gateway = await driveScript(t, `for (const name in acts) delete acts[name]`)
  await until(() => count(gateway, 'server/discover') === 1)
  const before = gateway.clock.monotonic()
  await gateway.stop()
  assert.equal(gateway.clock.monotonic(), before)
})
