import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { test } from 'node:test'
import { Wheel } from '../../../core/hooks/wheel.ts'
import { DryRuns } from '../../../core/services/dry/dry-runs.ts'
import { CountedShadows } from '../../../core/services/dry/shadow-report.ts'
import { type Clock, deny, type Hooks } from '../../../sdk/index.ts'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { callRequest } from '../../../sdk/testing/request.ts'
import { guard, line, rig } from './kernel.ts'

const parts = () => ({ runs: new DryRuns(), report: new CountedShadows(new FakeClock()) })
const refusing: Hooks = { beforeCall: () => deny('FORBIDDEN', 'no') }

test('a line in shadow makes no call stricter: arguments that name a member twice still pass', async () => {
  for (const mode of ['shadow', 'enforce'] as const) {
    const shadow = parts()
    const { kernel, caller, exchange } = await rig({
      shadow,
      lines: [guard('g', { beforeCall: () => undefined }, { mode })],
    })
    const request = callRequest('1', 'up__a', { n: 1 }, {})
    const text = request.text.replace('{"n":1}', '{"n":1,"n":2}')
    const outcome = await kernel.call({ ...request, text }, caller(), exchange())
    assert.equal(outcome.kind, mode === 'shadow' ? 'result' : 'denial')
  }
})

test('with nothing but lines in shadow a call that can go to several places is still refused', async () => {
  const merge: Hooks = {
    arrange: ([a, b]) =>
      [{ ...a, name: 'x', targets: [...(a?.targets ?? []), ...(b?.targets ?? [])] }] as never,
  }
  const shadow = parts()
  const { call } = await rig({
    shadow,
    lines: [line('m', merge), guard('g', refusing, { mode: 'shadow' })],
  })
  const outcome = await call('x')
  assert.equal(outcome.kind === 'denial' && outcome.code, 'INVALID')
  assert.deepEqual(shadow.report.rows(), [])
})

test('who looks on while a plugin runs dry does not run dry', async () => {
  const seen: (string | undefined)[] = []
  const shadow = parts()
  const { call } = await rig({
    shadow,
    lines: [
      guard(
        'g',
        {
          beforeCall() {
            seen.push(shadow.runs.of('g')?.plugin, shadow.runs.of('other')?.plugin)
            throw new Error('no luck')
          },
          observe({ type }) {
            if (type === 'plugin.failed') seen.push(shadow.runs.of('g')?.plugin)
          },
        },
        { mode: 'shadow' },
      ),
    ],
  })
  await call('up__a')
  assert.deepEqual(seen, ['g', undefined, undefined])
})

test('an alarm that a dry run sets first does not make others run dry', () => {
  const runs = new DryRuns()
  const clock = new FakeClock()
  // A timer runs where it was set, as the computer's do.
  const every: Clock['every'] = (ms, run) => clock.every(ms, AsyncLocalStorage.bind(run))
  const wheel = new Wheel({ now: () => clock.now(), monotonic: () => clock.monotonic(), every })
  const seen: unknown[] = []
  runs.enter({ plugin: 'g', scratch: true }, () => wheel.after(1_000, () => {}), undefined)
  wheel.after(500, () => seen.push(runs.of('g')))
  clock.advance(1_000)
  assert.deepEqual(seen, [undefined])
})

test('what filters in shadow said is forgotten with everything else', async () => {
  const shadow = parts()
  let asked = 0
  const { call, kernel } = await rig({
    shadow,
    lines: [line('f', { listFilter: () => void asked++ }, { mode: 'shadow' })],
  })
  await call('up__a')
  await call('up__a')
  assert.equal(asked, 1)
  kernel.invalidate()
  await call('up__a')
  assert.equal(asked, 2)
})

test('rows are limited: what comes after is counted together, kind by kind', () => {
  const report = new CountedShadows(new FakeClock(), 3)
  const caller = (subject: string) => ({ issuer: 'i', subject, claims: {}, scopes: [] })
  const said = { plugin: 'g', verdict: 'deny', rule: 'FORBIDDEN x' } as const
  for (let i = 0; i < 10; i++) report.count(said, caller(`${i}`), 1)
  report.count({ ...said, verdict: 'none', rule: '' }, caller('0'), 5)
  report.count(said, caller('0'), 1)
  const rows = report
    .rows()
    .map(({ verdict, rule, subject, count }) => [verdict, rule, subject, count])
  assert.deepEqual(rows, [
    ['deny', '*', '*', 7],
    ['deny', 'FORBIDDEN x', '0', 2],
    ['deny', 'FORBIDDEN x', '1', 1],
    ['deny', 'FORBIDDEN x', '2', 1],
    ['none', '', '*', 5],
  ])
})
