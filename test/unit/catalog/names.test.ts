import assert from 'node:assert/strict'
import { test } from 'node:test'
import { publicName } from '../../../core/catalog/names.ts'

const rules = { separator: '__', maxLength: 64 }

test('a name is the prefix, the separator and the tool’s own name', () => {
  assert.equal(publicName(rules, 'crm', 'find_user'), 'crm__find_user')
  assert.equal(publicName(rules, '', 'find_user'), 'find_user')
  assert.equal(publicName({ ...rules, separator: '-' }, 'crm', 'x'), 'crm-x')
})

test('characters that clients refuse become underscores', () => {
  assert.equal(publicName(rules, 'crm', 'a.b/c d:ä'), 'crm__a_b_c_d__')
})

test('a name of 64 characters is kept, and a longer one ends in a hash of the whole', () => {
  const fits = 'x'.repeat(64 - 'crm__'.length)
  assert.equal(publicName(rules, 'crm', fits), `crm__${fits}`)
  const long = publicName(rules, 'crm', `${fits}y`)
  assert.equal(long.length, 64)
  assert.match(long, /^crm__x+_[0-9a-f]{8}$/)
  assert.notEqual(long, publicName(rules, 'crm', `${fits}z`))
  assert.equal(long, publicName(rules, 'crm', `${fits}y`))
})

test('a made name is a fixed point: making it again changes nothing', () => {
  for (const name of ['a.b', 'x'.repeat(200), 'ä'.repeat(70)]) {
    const made = publicName(rules, 'up', name)
    assert.equal(publicName(rules, '', made), made)
  }
})
