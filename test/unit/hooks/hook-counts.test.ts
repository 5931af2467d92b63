import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hookMetrics } from '../../../core/boot/hook-metrics.ts'
import type { HookCounts } from '../../../core/hooks/hook-counts.ts'
import { change, deny } from '../../../sdk/index.ts'
import { guard, line, type Rig, rig, settled, shaper } from '../kernel/kernel.ts'

function counts({ kernel }: Rig, plugin: string, hook: string): HookCounts {
  const found = kernel.hooks.counts.find((one) => one.plugin === plugin && one.hook === hook)
  assert.ok(found, `${plugin} ${hook}`)
  return found
}

/** Runs, failures, and what was said. */
function told({ runs, failures, change: changes, answer, ask, denial }: HookCounts) {
  return { runs, failures, changes, answer, ask, denial }
}

const none = { runs: 0, failures: 0, changes: 0, answer: 0, ask: 0, denial: 0 }

test('what every hook says is counted by plugin and hook', async () => {
  const made = await rig({
    lines: [
      shaper('s', {
        beforeCall: ({ args }) => (args.n === 1 ? change({ args: { n: 2 } }) : undefined),
        afterCall: (_call, outcome) =>
          outcome.kind === 'result' ? { ...outcome, result: { content: [] } } : undefined,
      }),
      guard('g', {
        beforeCall({ args }) {
          if (args.n === 3) return deny('FORBIDDEN', 'no')
          if (args.n === 4) throw new Error('no luck')
          return undefined
        },
      }),
      line('f', {
        listFilter: () => ({
          key: '',
          test: (entry) => entry.name !== 'up__b' || { rule: 'b', reason: '' },
        }),
        settle: async () => {},
        authenticate: ({ headers }) =>
          headers.key === 'a' ? undefined : deny('UNAUTHENTICATED', 'no'),
      }),
    ],
  })
  for (const n of [1, 2, 3, 4]) await made.call('up__a', { n })
  await made.call('up__b')
  assert.deepEqual(told(counts(made, 's', 'beforeCall')), { ...none, runs: 4, changes: 1 })
  assert.deepEqual(told(counts(made, 's', 'afterCall')), { ...none, runs: 4, changes: 2 })
  assert.deepEqual(told(counts(made, 'g', 'beforeCall')), {
    ...none,
    runs: 4,
    denial: 1,
    failures: 1,
  })
  assert.deepEqual(told(counts(made, 'f', 'listFilter')), {
    ...none,
    runs: 1,
    answer: 1,
    denial: 1,
  })
  assert.deepEqual(told(counts(made, 'f', 'settle')), { ...none, runs: 5 })
  const request = { method: 'POST', path: '/mcp', remoteAddress: undefined, requestId: '1' }
  await made.kernel.authenticate({ ...request, headers: { key: 'a' } })
  await made.kernel.authenticate({ ...request, headers: {} })
  assert.deepEqual(told(counts(made, 'f', 'authenticate')), { ...none, runs: 2, denial: 1 })
})

test('synchronous runs are timed by samples, promised answers one by one', async () => {
  let takes = 0
  const { promise, resolve } = Promise.withResolvers<undefined>()
  let later: Promise<undefined> | undefined
  const made: Rig = await rig({
    lines: [
      guard('sync', { beforeCall: () => void made.clock.advance(takes) }),
      guard('async', { beforeCall: () => later }),
    ],
  })
  // Of 64 runs the first and the 33rd are timed: 10 ms each stand for the others.
  for (let i = 0; i < 64; i++) {
    takes = i % 32 === 0 ? 10 : 1_000
    made.call('up__a')
  }
  assert.equal(counts(made, 'sync', 'beforeCall').duration, 640)
  takes = 0
  later = promise
  const running = [made.call('up__a'), made.call('up__a')]
  made.clock.advance(500)
  resolve(undefined)
  await Promise.all(running)
  await settled()
  assert.equal(counts(made, 'async', 'beforeCall').promised, 2)
  assert.equal(counts(made, 'async', 'beforeCall').duration, 1_000)
})

test('the counters are metrics of the gateway, for hooks that have run', async () => {
  const made = await rig({ lines: [guard('g', { beforeCall: () => deny('FORBIDDEN', 'no') })] })
  assert.deepEqual(
    hookMetrics(made.kernel.hooks.counts).map(({ series }) => series.length),
    [0, 0, 0, 0],
  )
  await made.call('up__a')
  const metrics = hookMetrics(made.kernel.hooks.counts)
  const labels = { plugin: 'g', hook: 'beforeCall' }
  assert.deepEqual(
    metrics.map(({ name, plugin, series }) => [name, plugin, series.length, series[0]?.labels]),
    [
      ['patchbay.plugin.runs', '', 1, labels],
      ['patchbay.plugin.failures', '', 1, labels],
      ['patchbay.plugin.verdicts', '', 5, { ...labels, verdict: 'none' }],
      ['patchbay.plugin.duration', '', 1, labels],
    ],
  )
  const [, , verdicts] = metrics
  assert.deepEqual(
    verdicts?.kind === 'counter' &&
      verdicts.series.map(({ labels: own, value }) => [own.verdict, value]),
    [
      ['none', 0],
      ['change', 0],
      ['answer', 0],
      ['ask', 0],
      ['denial', 1],
    ],
  )
})
