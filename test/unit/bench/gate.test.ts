import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Budget,
  describe,
  EXCESS,
  findings,
  limitOf,
  renewed,
} from '../../bench/gate/verdict.ts'

const budget: Budget = {
  made: '',
  machine: {},
  cases: { plain: { ratio: 1.1, excess: 0.12 }, guarded: { ratio: 1.2, excess: 0.05 } },
}
const state = (name: string, ...ratios: (number | null)[]) =>
  findings(new Map([[name, ratios]]), budget)[0]?.state

test('a fifth more CPU per call is over the budget, the noise of one commit is not', () => {
  // Recorded: medians of one commit's attempts lay within 0.95 to 1.06 of each other.
  for (const noise of [0.95, 1, 1.06]) {
    assert.equal(state('plain', 1.1 * noise), 'within')
    assert.equal(state('plain', 1.1 * 1.2 * Math.max(noise, 0.96)), 'over')
  }
  assert.ok(EXCESS < 0.2)
})

test('what passes in one attempt was disturbed in the others', () => {
  assert.equal(state('plain', 1.5, 1.4, 1.15), 'within')
  assert.equal(state('plain', 1.5, 1.4, 1.35), 'over')
})

test('each case has its own tolerance, up to and with the limit', () => {
  const limit = limitOf({ ratio: 1.2, excess: 0.05 })
  assert.equal(state('guarded', limit), 'within')
  assert.equal(state('guarded', limit + 0.001), 'over')
})

test('what was not measured or has no budget is not within it', () => {
  assert.equal(state('plain', null), 'unknown')
  assert.equal(state('plain', null, 1.1), 'within')
  assert.equal(state('new one', 1), 'unknown')
})

test('a finding names case, figure, budget and, without one, the command that makes it', () => {
  const [over, none] = findings(
    new Map([
      ['plain', [1.32]],
      ['new one', [1]],
    ]),
    budget,
  )
  assert.equal(
    describe(over as NonNullable<typeof over>),
    'plain: 1.32 x floor, 20 % over its budget (budget 1.10, at most 1.23)',
  )
  assert.match(describe(none as NonNullable<typeof none>), /new one: 1\.00 x floor.*--gate --write/)
})

test('a renewed budget keeps what each case is allowed beyond its ratio', () => {
  const next = renewed(
    new Map([
      ['guarded', 1.23456],
      ['new one', 1],
    ]),
    { cpu: 'x' },
    budget,
  )
  assert.deepEqual(next.cases, {
    plain: { ratio: 1.1, excess: 0.12 },
    guarded: { ratio: 1.235, excess: 0.05 },
    'new one': { ratio: 1, excess: EXCESS },
  })
})
