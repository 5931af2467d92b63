import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Census } from '../../bench/memory/measured.ts'
import { kindOf } from '../../bench/memory/mix.ts'
import { linesOfRepeats, linesOfWaves, markdownOf } from '../../bench/memory/report.ts'

const MB = 1024 * 1024
const census = (heap: number, resources: Record<string, number> = {}, children = 0): Census => {
  return { heap, external: 0, rss: heap, resources, children }
}
const waves = (open: number, first: number, second: Census) => ({
  name: 'streams',
  count: 1_000,
  before: census(10 * MB, { TCPServerWrap: 1 }),
  open: census(10 * MB + 1_000 * open),
  ends: [census(first), second] as const,
})

test('what each of a wave takes is held to its target', () => {
  const end = census(10 * MB, { TCPServerWrap: 1 })
  const [fits] = linesOfWaves(waves(4_096, 10 * MB, end), 4_096)
  assert.deepEqual([fits?.found, fits?.met], ['4.0 KB', true])
  assert.equal(linesOfWaves(waves(4_097, 10 * MB, end), 4_096)[0]?.met, false)
  // Where nothing is demanded there is only the figure.
  assert.equal(linesOfWaves(waves(9_999, 10 * MB, census(99 * MB)), undefined).length, 1)
})

test('a second wave that adds something is found out, and so is a socket that stays', () => {
  const judge = (second: Census) =>
    linesOfWaves(waves(1, 12 * MB, second), 4_096).map(({ met }) => met)
  assert.deepEqual(judge(census(12 * MB)), [true, true, true])
  assert.deepEqual(judge(census(13 * MB)), [true, false, true])
  assert.deepEqual(judge(census(12 * MB, { TCPSocketWrap: 1 })), [true, true, false])
  // The gateway's one interval.
  assert.deepEqual(judge(census(12 * MB, { Timeout: 1 })), [true, true, true])
  assert.deepEqual(judge(census(12 * MB, { Timeout: 2 })), [true, true, false])
})

test('the second half of repeats may add nothing, children included', () => {
  const judge = (end: Census) =>
    linesOfRepeats({ name: 'calls', count: 10, looks: [census(MB), census(9 * MB), end] })
  assert.deepEqual(
    judge(census(9 * MB)).map(({ met }) => met),
    [true, true],
  )
  assert.deepEqual(
    judge(census(10 * MB, {}, 1)).map(({ met }) => met),
    [false, false],
  )
  assert.match(markdownOf(judge(census(9 * MB, {}, 1))), /\*\*1 children\*\* \| none/)
})

test('a hundred calls are of every kind, each as often as it should be', () => {
  const counts: Record<string, number> = {}
  for (let n = 0; n < 200; n++) counts[kindOf(n)] = (counts[kindOf(n)] ?? 0) + 1
  assert.deepEqual(counts, { json: 120, stream: 50, fail: 14, refuse: 12, cancel: 4 })
})
