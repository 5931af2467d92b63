import assert from 'node:assert/strict'
import test from 'node:test'
import type { Secrets } from 'mcp-patchbay/sdk'
import { Redaction } from './redaction.ts'

const NONE = { keys: [], paths: [], patterns: [] }
const quiet: Secrets = { add() {}, drop() {}, redact: (text) => text, redactDeep: (value) => value }

function copyOf(value: unknown, redact: Partial<typeof NONE> = {}, size = 4_096): string {
  return JSON.stringify(new Redaction({ ...NONE, ...redact }, size, quiet).copy('arguments', value))
}

// biome-ignore lint/suspicious/noExplicitAny: copies of every shape
const read = (value: unknown, redact = {}, size?: number): any =>
  JSON.parse(copyOf(value, redact, size))

test('seeds 7.41: members whose names say secret are blank, at any depth and in any spelling', () => {
  const names = [
    'password',
    'Password',
    'db_password',
    'PASSWORD_CONFIRMATION',
    'token',
    'access_token',
    'refreshToken',
    'x-api-key',
    'apiKey',
    'api key',
    'Authorization',
    'Proxy-Authorization',
    'client_secret',
    'privateKey',
    'aws.secret.access.key',
    'Set-Cookie',
    'credentials',
    'pin',
    'otp',
    'pwd',
    'passphrase',
    'sessionId',
  ]
  for (const name of names) {
    assert.doesNotMatch(copyOf({ a: [{ b: { [name]: 'hunter2hunter2' } }] }), /hunter2/, name)
    assert.doesNotMatch(copyOf({ [name]: { of: ['hunter2'] } }), /hunter2/, name)
    assert.doesNotMatch(copyOf({ headers: [{ name, value: 'hunter2' }] }), /hunter2/, name)
    assert.doesNotMatch(copyOf(JSON.stringify({ [name]: 'hunter2' })), /hunter2/, name)
  }
  assert.deepEqual(read({ path: '/tmp', pinned: 1, author: 'anna', token: null, ok: [true] }), {
    path: '/tmp',
    pinned: 1,
    author: 'anna',
    token: null,
    ok: [true],
  })
})

test('seeds 7.41: JSON inside texts is looked through, however often it was packed', () => {
  let packed = JSON.stringify({ user: 'anna', login: { password: 'hunter2' } })
  for (let i = 0; i < 4; i++) packed = JSON.stringify({ body: packed, list: [packed.length] })
  const copy = copyOf({ packed })
  assert.doesNotMatch(copy, /hunter2/)
  assert.match(copy, /anna/)
  assert.deepEqual(JSON.parse(read({ a: ' {"token":"x","b":1}' }).a), { token: '[redacted]', b: 1 })
  // Cut off it is JSON no more.
  assert.doesNotMatch(copyOf('{"a":1,"password":"hunter2 \\" more","b":'), /hunter2|more/)
  assert.doesNotMatch(copyOf('x {\\"password\\": \\"hunter2\\", \\"b\\":'), /hunter2/)
})

test('seeds 7.41: secrets inside texts are known by their looks', () => {
  const jwt = `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.${'s'.repeat(43)}`
  const texts = [
    'Authorization: Bearer abcdef123456',
    'bearer abcdef123456',
    'curl -H "Authorization: Basic YW5uYTpodW50ZXIy"',
    `see ${jwt} there`,
    `ghp_${'a1'.repeat(18)}`,
    `github_pat_${'a1'.repeat(20)}`,
    `sk-${'a1'.repeat(20)}`,
    'AKIAIOSFODNN7EXAMPLE',
    'https://anna:abcdef123456@db.example/x',
    'https://x.example/?access_token=abcdef123456&b=1',
    "password = 'abcdef123456'",
    'API_KEY: abcdef123456',
    '-----BEGIN RSA PRIVATE KEY-----\nabcdef123456\n-----END RSA PRIVATE KEY-----',
    '-----BEGIN PRIVATE KEY-----\nabcdef123456',
  ]
  for (const text of texts) {
    const copy = copyOf({ note: [text] })
    assert.doesNotMatch(copy, /abcdef123456|YW5uY|eyJ|a1a1|AKIA/, text)
    assert.match(copy, /redacted/, text)
  }
  const harmless = 'The bearer of this letter has no key, says some English: https://x.example/a@b'
  assert.equal(read({ harmless }).harmless, harmless)
})

test("the operator's own names, paths and patterns count too", () => {
  const redact = {
    keys: ['IBAN', '*_nr'],
    paths: ['arguments.user.email', 'arguments.list.*.b'],
    patterns: ['\\bACME-[0-9]{6}\\b'],
  }
  assert.deepEqual(
    read(
      {
        iban: 'DE1',
        card_nr: 5,
        user: { email: 'a@b.example', name: 'anna' },
        email: 'c@d.example',
        list: [{ b: 1, c: 2 }, { b: { d: 1 } }],
        text: 'it is ACME-123456.',
      },
      redact,
    ),
    {
      iban: '[redacted]',
      card_nr: '[redacted]',
      user: { email: '[redacted]', name: 'anna' },
      email: 'c@d.example',
      list: [{ b: '[redacted]', c: 2 }, { b: '[redacted]' }],
      text: 'it is [redacted].',
    },
  )
  for (const [part, value] of [
    ['keys', ['!a']],
    ['paths', ['[a']],
    ['patterns', ['(']],
  ] as const) {
    assert.throws(() => copyOf({}, { [part]: value }), { name: 'InvalidSettings' })
  }
})

test('what the gateway knows to be secret is blank wherever it stands, also across the cut', () => {
  const secret = 'correct horse battery staple'
  const knowing: Secrets = { ...quiet, redact: (text) => text.replaceAll(secret, '[redacted]') }
  for (let before = 0; before < 120; before++) {
    const redaction = new Redaction(NONE, 100, knowing)
    const value = { a: 'x'.repeat(before) + secret + 'y'.repeat(10_000) }
    assert.doesNotMatch(JSON.stringify(redaction.copy('arguments', value)), /corre/)
    assert.doesNotMatch(redaction.text(value.a, 100), /corre/)
  }
})

test('copies are bounded: circles, depth, breadth, length', () => {
  const circle: Record<string, unknown> = { a: 1 }
  circle.self = circle
  circle.list = [circle]
  assert.deepEqual(read(circle), { a: 1, self: '[circular]', list: ['[circular]'] })
  let deep: unknown = { password: 'hunter2' }
  for (let i = 0; i < 10_000; i++) deep = i % 2 === 0 ? [deep] : { deep }
  assert.match(copyOf(deep), /too deep/)
  const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`member-${n}`, n]))
  assert.ok(copyOf(wide).length < 10_000)
  assert.ok(copyOf(Array.from({ length: 100_000 }, () => ({}))).length < 30_000)
  assert.ok(copyOf({ a: 'é"\\'.repeat(100_000) }, {}, 100).length < 400)
  const odd = { n: 2n ** 60n, f() {}, u: undefined, d: new Date(0), ['__proto__']: 1 }
  Object.defineProperty(odd, '__proto__', { value: 'kept', enumerable: true })
  assert.equal(
    copyOf(odd),
    '{"n":"1152921504606846976","d":"1970-01-01T00:00:00.000Z","__proto__":"kept"}',
  )
})

test('no text takes long', () => {
  const hard = [
    'token'.repeat(20_000),
    `${'a-.'.repeat(30_000)}token`,
    `token${'"'.repeat(100_000)}`,
    `password:"${'\\'.repeat(100_000)}`,
    `bearer ${'a'.repeat(100_000)}`,
    `${'-----BEGIN PRIVATE KEY-----'.repeat(4_000)}`,
    `eyJ${'.'.repeat(100_000)}`,
    `${'://'.repeat(30_000)}@`,
    '['.repeat(60_000),
    `${'{"a":'.repeat(10_000)}`,
  ]
  for (const text of hard) {
    const from = process.cpuUsage()
    copyOf({ text, [text]: text }, {}, 16_384)
    const { user, system } = process.cpuUsage(from)
    assert.ok(user + system < 400_000, `${text.slice(0, 20)} took ${(user + system) / 1000} ms`)
  }
})
