import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Check } from './suite.ts'
import { judge } from './verdict.ts'

const check = (id: string, status: Check['status']): Check => ({ id, status, errorMessage: 'why' })
const found = (...checks: Check[]) => new Map([['one', checks]])

test('what fails and is expected to is no problem, and its reason is kept', () => {
  const { verdicts, problems } = judge(['one'], found(check('a', 'FAILURE')), { one: 'not built' })
  assert.deepEqual(problems, [])
  assert.deepEqual(verdicts.get('one'), { state: 'fails', reasons: ['not built'] })
})

test('what fails unexpectedly is a problem, a warning no less', () => {
  for (const status of ['FAILURE', 'WARNING'] as const) {
    const { problems } = judge(['one'], found(check('a', 'SUCCESS'), check('b', status)), {})
    assert.deepEqual(problems, ['one:b fails: why'])
  }
})

test('an expectation for one check leaves the others to be met', () => {
  const both = found(check('a', 'FAILURE'), check('b', 'FAILURE'))
  const { verdicts, problems } = judge(['one'], both, { 'one:a': 'not built' })
  assert.deepEqual(problems, ['one:b fails: why'])
  assert.deepEqual(verdicts.get('one'), { state: 'fails', reasons: [] })
})

test('an expectation that is not needed any more is a problem', () => {
  const passes = found(check('a', 'SUCCESS'), check('b', 'SUCCESS'))
  assert.equal(judge(['one'], passes, { one: 'not built' }).problems.length, 1)
  assert.equal(judge(['one'], passes, { 'one:a': 'not built' }).problems.length, 1)
  assert.equal(judge(['one'], passes, { two: 'not built' }).problems.length, 1)
})

test('a scenario that did not run fails', () => {
  assert.deepEqual(judge(['one'], new Map(), {}).problems, ['one:runs fails: it was not run'])
})

test('an id that is looked at more than once fails if it does once', () => {
  const twice = found(check('a', 'SUCCESS'), check('a', 'FAILURE'), check('a', 'SUCCESS'))
  assert.equal(judge(['one'], twice, {}).problems.length, 1)
})

test('a scenario whose messages were sound, and nothing else, has checked nothing', () => {
  const sound = found(check('wire-schema-valid', 'SUCCESS'), check('a', 'SKIPPED'))
  assert.deepEqual(judge(['one'], sound, {}).verdicts.get('one'), { state: 'empty' })
  const wrong = found(check('wire-schema-valid', 'FAILURE'))
  assert.deepEqual(judge(['one'], wrong, {}).verdicts.get('one'), { state: 'fails', reasons: [] })
})

test('malformed messages are not excused with their scenario', () => {
  const malformed = found(check('a', 'FAILURE'), check('wire-schema-valid', 'FAILURE'))
  const { problems } = judge(['one'], malformed, { one: 'not built' })
  assert.deepEqual(problems, ['one:wire-schema-valid fails: why'])
})
