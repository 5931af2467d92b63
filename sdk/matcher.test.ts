import assert from 'node:assert/strict'
import test from 'node:test'
import { matcher, namesOf } from './index.ts'

test('the first glob that matches a name is told', () => {
  const denied = matcher(['drop_table', '*__delete_*', '{get,put}_[ab]', 'a?c'])
  const cases: [string, string | undefined][] = [
    ['drop_table', 'drop_table'],
    ['crm__delete_all', '*__delete_*'],
    ['put_b', '{get,put}_[ab]'],
    ['abc', 'a?c'],
    ['Drop_table', undefined],
    ['drop_tables', undefined],
  ]
  for (const [name, glob] of cases) assert.equal(denied(name), glob, name)
  assert.equal(matcher([])('anything'), undefined)
})

test('a star stands for slashes and leading dots too', () => {
  const all = matcher(['a*z', '*hidden'])
  assert.equal(all('a/b/z'), 'a*z')
  assert.equal(all('.hidden'), '*hidden')
})

test('what is no glob is refused when it is made', () => {
  assert.throws(() => matcher(['a', '!b']), /"!b" begins with "!": there are no exceptions/)
  assert.throws(() => matcher(['b_[ab']), /"b_\[ab" is no glob/)
})

test('the names of an entry are those policies compare, each once', () => {
  const target = { upstream: 'crm', name: 'find', publicName: 'crm__find' }
  const definition = { name: 'search', inputSchema: { type: 'object' } }
  const entry = { kind: 'tool', name: 'search', definition, targets: [target] } as const
  assert.deepEqual(namesOf(entry, target), ['search', 'crm__find', 'find'])
  assert.deepEqual(namesOf({ ...entry, name: 'crm__find' }, target), ['crm__find', 'find'])
  assert.deepEqual(namesOf(entry, undefined), ['search'])
})
