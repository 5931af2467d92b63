import assert from 'node:assert/strict'
import test from 'node:test'
import { bearerOf, challengesOf, scopesOf } from './challenge.ts'

const read = (header: string) =>
  challengesOf(header).map(({ scheme, params }) => [scheme, Object.fromEntries(params)])

test('challenges are read as RFC 9110 writes them', () => {
  const both =
    'Basic realm="a, b=\\"c\\"", Bearer resource_metadata="https://crm.example/.well-known/x" ,error=invalid_token'
  assert.deepEqual(read(both), [
    ['basic', { realm: 'a, b="c"' }],
    ['bearer', { resource_metadata: 'https://crm.example/.well-known/x', error: 'invalid_token' }],
  ])
  assert.deepEqual(read('Negotiate'), [['negotiate', {}]])
  assert.deepEqual(read('BEARER Scope = "a b"'), [['bearer', { scope: 'a b' }]])
})

test('what cannot be read is passed over, and takes no time', () => {
  for (const header of ['', '=', '"', 'Bearer a="', ',,,', 'a="b"', '\u0000']) read(header)
  assert.deepEqual(read('realm="nobody\'s"'), [])
  assert.deepEqual(read('Bearer scope="a", scope="b"'), [['bearer', { scope: 'a' }]])
  const start = performance.now()
  for (const one of ['"', '\\', 'a=', 'a="\\', ' \t', 'a', 'a =']) read(one.repeat(100_000))
  assert.ok(performance.now() - start < 1_000)
})

test('of several challenges the one counts that says where the metadata is', () => {
  const found = bearerOf(challengesOf('Basic, Bearer realm="x", DPoP resource_metadata="y"'))
  assert.equal(found?.params.get('resource_metadata'), 'y')
  assert.equal(bearerOf(challengesOf('Basic realm="x"')), undefined)
})

test('scopes are what can be one', () => {
  assert.deepEqual(scopesOf('a b  a "c" d\\'), ['a', 'b'])
  assert.deepEqual(scopesOf(['a', 1, 'b c', 'x'.repeat(201)]), ['a'])
  assert.deepEqual(scopesOf(undefined), [])
  assert.equal(scopesOf(Array.from({ length: 100 }, (_, n) => `s${n}`)).length, 50)
})
