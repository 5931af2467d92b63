import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LogLine, makeLog } from '../../../core/boot/log.ts'
import { FrameChannel } from '../../../core/boot/workers/frame-channel.ts'
import type { Begin, Listening, ToPrimary } from '../../../core/boot/workers/messages.ts'
import { Supervisor } from '../../../core/boot/workers/supervisor.ts'
import type { WorkerEvents } from '../../../core/boot/workers/worker-process.ts'
import { GatewayError } from '../../../core/hooks/errors.ts'
import { Wheel } from '../../../core/hooks/wheel.ts'
import { FakeClock } from '../../../sdk/testing/clock.ts'

const LISTENING: Listening = { url: 'http://x/mcp', plugins: [], shadow: [], upstreams: {} }

/** A worker's process that does what a test says. */
interface Forked {
  readonly begin: Begin
  readonly said: string[]
  say(message: Exclude<ToPrimary, { kind: 'frames' }>): void
  exit(code: number | null, signal?: string): void
}

function scene(count = 2) {
  const clock = new FakeClock()
  const forked: Forked[] = []
  const log: LogLine[] = []
  const joined: string[] = []
  const supervisor = new Supervisor({
    count,
    begin: { file: 'a.yaml', record: { texts: {}, found: {} }, keys: ['k'], pretty: false },
    drain: 10_000,
    hub: {
      join({ replica }) {
        joined.push(replica)
        return () => void joined.splice(joined.indexOf(replica), 1)
      },
    },
    wheel: new Wheel(clock),
    log: makeLog({ level: 'info', show: (line) => log.push(line) }),
    fork(begin, events: WorkerEvents) {
      const said: string[] = []
      const exit = (code: number | null, signal: string | null = null) =>
        events.exited(code, signal)
      forked.push({ begin, said, say: (message) => events.message(message), exit })
      return {
        pid: forked.length,
        channel: new FrameChannel(() => {}),
        stop: () => void said.push('stop'),
        kill: () => void said.push('kill'),
      }
    },
    heard() {},
  })
  const listen = (at: number) => forked[at]?.say({ kind: 'listening', listening: LISTENING })
  const turn = () => new Promise(setImmediate)
  const started = async () => {
    const start = supervisor.start()
    for (let at = 0; at < count; at++) {
      listen(at)
      await turn()
    }
    await start
  }
  return { clock, forked, log, joined, supervisor, listen, turn, started }
}

test('the first worker listens before the others begin, and all know their places', async () => {
  const { supervisor, forked, listen, turn, joined } = scene(3)
  const start = supervisor.start()
  await turn()
  assert.equal(forked.length, 1)
  listen(0)
  await turn()
  assert.deepEqual(
    forked.map(({ begin: { slot, count } }) => [slot, count]),
    [
      [0, 3],
      [1, 3],
      [2, 3],
    ],
  )
  assert.equal(new Set(forked.map(({ begin }) => begin.replica)).size, 3)
  listen(1)
  listen(2)
  assert.deepEqual(await start, LISTENING)
  assert.equal(joined.length, 3)
})

test('one that dies is replaced after half a second, then after ever longer, and that is told', async () => {
  const { clock, forked, log, joined, listen, started } = scene()
  await started()
  const delays: unknown[] = []
  for (let round = 0; round < 8; round++) {
    const before = forked.length
    forked.at(-1)?.exit(null, 'SIGKILL')
    assert.equal(joined.length, 1)
    const { delay, worker, signal } = log.at(-1) as LogLine
    delays.push(delay)
    assert.deepEqual([worker, signal], [1, 'SIGKILL'])
    clock.advance((delay as number) - 1)
    assert.equal(forked.length, before)
    clock.advance(251)
    assert.equal(forked.length, before + 1)
    assert.equal(forked.at(-1)?.begin.slot, 1)
  }
  assert.deepEqual(delays, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
  listen(forked.length - 1)
  assert.equal(log.at(-1)?.msg, 'worker 1 is back')
  clock.advance(31_000)
  forked.at(-1)?.exit(1)
  assert.equal(log.at(-1)?.delay, 500, 'one that lived is no crash loop')
})

test('the first that cannot start says why, in its own words, and no other begins', async () => {
  const { supervisor, forked } = scene()
  const start = supervisor.start()
  const problems = [{ code: 'LISTEN', reason: 'the port is taken' }]
  forked[0]?.say({ kind: 'failed', problems, message: 'the port is taken' })
  forked[0]?.exit(1)
  await assert.rejects(start, (error: GatewayError) => {
    assert.ok(error instanceof GatewayError)
    assert.deepEqual(error.problems, problems)
    return true
  })
  assert.equal(forked.length, 1)
})

test('a later one that cannot start stops those that did', async () => {
  const { supervisor, forked, listen, turn } = scene()
  const start = supervisor.start()
  listen(0)
  await turn()
  forked[1]?.exit(9)
  await turn()
  assert.deepEqual(forked[0]?.said, ['stop'])
  forked[0]?.exit(0)
  await assert.rejects(start, /worker 1 ended with code 9 before it listened/)
})

test('a stop waits for all, adds up what was cut, and replaces nobody', async () => {
  const { clock, forked, supervisor, started } = scene()
  await started()
  const stopped = supervisor.stop()
  for (const { say, exit, said } of forked) {
    assert.deepEqual(said, ['stop'])
    say({ kind: 'stopped', cut: 2 })
    exit(0)
  }
  assert.equal(await stopped, 4)
  clock.advance(60_000)
  assert.equal(forked.length, 2)
})

test('one that does not stop is ended', async () => {
  const { clock, forked, supervisor, log, started } = scene()
  await started()
  const stopped = supervisor.stop()
  forked[0]?.exit(0)
  clock.advance(30_500)
  assert.deepEqual(forked[1]?.said, ['stop', 'kill'])
  assert.match(String(log.at(-1)?.msg), /did not stop/)
  forked[1]?.exit(null, 'SIGKILL')
  assert.equal(await stopped, 0)
})

test('a stop of a gateway that waits to replace a worker does not wait for it', async () => {
  const { clock, forked, supervisor, started } = scene()
  await started()
  forked[1]?.exit(1)
  const stopped = supervisor.stop()
  forked[0]?.exit(0)
  await stopped
  clock.advance(60_000)
  assert.equal(forked.length, 2)
})
