import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkAgainst, checkSchema } from '../../../core/boot/config/validator.ts'

const PLAIN = {
  type: 'object',
  additionalProperties: false,
  required: ['limit'],
  properties: {
    limit: { type: 'integer', minimum: 1, description: 'How many.' },
    window: { type: 'string', format: 'duration', minimum: 1_000, default: '1m' },
    room: { type: 'string', format: 'size', default: '4MiB' },
    waits: {
      type: 'array',
      items: { anyOf: [{ type: 'string', format: 'duration' }, { const: 'never' }] },
    },
    perTool: { type: 'object', additionalProperties: { type: 'string', format: 'duration' } },
    secret: { type: 'string', writeOnly: true, minLength: 8 },
  },
}

const VARIANTS = {
  oneOf: [
    {
      type: 'object',
      additionalProperties: false,
      required: ['mode', 'token'],
      properties: { mode: { const: 'bearer' }, token: { type: 'string' } },
    },
    {
      type: 'object',
      additionalProperties: false,
      required: ['mode'],
      properties: { mode: { const: 'basic' }, user: { type: 'string' } },
    },
  ],
}

function reasons(schema: Record<string, unknown>, value: unknown): string[] {
  return checkAgainst(schema, value).problems.map(({ path, reason }) =>
    `${path.join('.')} ${reason}`.trim(),
  )
}

test('durations and sizes arrive as numbers: given, by default, in lists, maps and unions', () => {
  const { value, problems } = checkAgainst(PLAIN, {
    limit: 1,
    waits: ['2s', 'never', 0],
    perTool: { slow: '1h' },
  })
  assert.deepEqual(problems, [])
  assert.deepEqual(value, {
    limit: 1,
    window: 60_000,
    room: 4_194_304,
    waits: [2_000, 'never', 0],
    perTool: { slow: 3_600_000 },
  })
})

test('a value that is itself a duration is converted', () => {
  assert.equal(checkAgainst({ type: 'string', format: 'duration' }, '3s').value, 3_000)
})

test('the value that is checked is never changed', () => {
  const given = Object.freeze({ limit: 1 })
  checkAgainst(PLAIN, given)
  assert.deepEqual(given, { limit: 1 })
})

test('an unknown key is told with the nearest known one and all that are known', () => {
  const [problem] = checkAgainst(PLAIN, { limit: 1, windw: '1m' }).problems
  assert.deepEqual(problem?.path, ['windw'])
  assert.equal(problem?.reason, 'is not a setting here (did you mean "window"?)')
  assert.match(problem?.hint ?? '', /^Settings: limit, window, /)
})

test('a misspelt required key is one mistake', () => {
  assert.deepEqual(reasons(PLAIN, { limt: 1 }), [
    'limt is not a setting here (did you mean "limit"?)',
  ])
})

test('a missing key is told with what it is', () => {
  const [problem] = checkAgainst(PLAIN, {}).problems
  assert.equal(problem?.reason, 'needs `limit`')
  assert.equal(problem?.hint, 'It is: how many.')
})

test('every mistake is told once, whatever its kind', () => {
  assert.deepEqual(
    reasons(PLAIN, { limit: 0, window: '1ms', room: 'x', waits: [{}], secret: 'a' }),
    [
      'limit must be >= 1',
      'window must be a duration such as "500ms", "60s" or "1h30m" of at least 1s',
      'room must be a size such as "512", "64KiB" or "4MiB"',
      'waits.0 must be a duration such as "500ms", "60s" or "1h30m" or "never"',
      'secret must have at least 8 characters, not 1',
    ],
  )
})

test('a variant is judged by the branch that was meant', () => {
  assert.deepEqual(reasons(VARIANTS, { mode: 'bearer' }), ['needs `token`'])
  assert.deepEqual(reasons(VARIANTS, { mode: 'basic', usr: 'x' }), [
    'usr is not a setting here (did you mean "user"?)',
  ])
})

test('a variant that does not exist is told with those that do', () => {
  assert.deepEqual(reasons(VARIANTS, { mode: 'barer' }), [
    'mode must be one of bearer, basic (did you mean "bearer"?)',
  ])
  assert.deepEqual(reasons(VARIANTS, 'bearer'), ['must be a mapping'])
})

test('alternatives of which none is nearer are told together', () => {
  const either = {
    type: 'object',
    additionalProperties: false,
    properties: { file: {}, text: {} },
    anyOf: [{ required: ['file'] }, { required: ['text'] }],
  }
  assert.deepEqual(reasons(either, {}), ['needs `file` or `text`'])
})

test('if, then and references to definitions make no echoes', () => {
  const schema = {
    type: 'object',
    additionalProperties: false,
    $defs: { port: { type: 'integer', maximum: 9 } },
    properties: { kind: { enum: ['a', 'b'] }, port: { $ref: '#/$defs/port' } },
    if: { properties: { kind: { const: 'a' } } },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { required: ['port'] },
  }
  assert.deepEqual(reasons(schema, { kind: 'a' }), ['needs `port`'])
  assert.deepEqual(reasons(schema, { kind: 'a', port: 10 }), ['port must be <= 9'])
})

test('a schema that holds itself is followed', () => {
  const tree = {
    $defs: {
      node: {
        type: 'object',
        additionalProperties: false,
        properties: {
          wait: { type: 'string', format: 'duration' },
          next: { $ref: '#/$defs/node' },
        },
      },
    },
    $ref: '#/$defs/node',
  }
  const { value } = checkAgainst(tree, { next: { next: { wait: '2s' } } })
  assert.deepEqual(value, { next: { next: { wait: 2_000 } } })
})

test('no message holds the value it is about', () => {
  const secret = 'hunter2'
  const { problems } = checkAgainst(PLAIN, { limit: secret, window: secret, secret, room: secret })
  assert.equal(problems.length, 4)
  assert.doesNotMatch(JSON.stringify(problems), /hunter2/)
})

test('text from a reference becomes what the schema asks for, other text does not', () => {
  const schema = {
    type: 'object',
    additionalProperties: false,
    properties: {
      count: { type: 'integer' },
      open: { type: 'boolean' },
      none: { type: ['integer', 'null'] },
      text: { type: 'string' },
    },
  }
  const given = { count: '12', open: 'true', none: 'null', text: '12' }
  const all = new Set(['/count', '/open', '/none', '/text'])
  assert.deepEqual(checkAgainst(schema, given, all).value, {
    count: 12,
    open: true,
    none: null,
    text: '12',
  })
  assert.equal(checkAgainst(schema, given).problems.length, 3)
  assert.deepEqual(
    checkAgainst(schema, { count: '1.5', open: 'yes' }, all).problems.map(({ path }) => path),
    [['count'], ['open']],
  )
})

test('a schema is refused when it is not strict or lets unknown properties pass', () => {
  assert.deepEqual(checkSchema(PLAIN), [])
  assert.match(checkSchema({ type: 'object', propertees: {} })[0] ?? '', /unknown keyword/)
  assert.match(
    checkSchema({ type: 'object', properties: { a: { type: 'string' } } })[0] ?? '',
    /set additionalProperties to false/,
  )
  assert.equal(checkSchema('text').length, 1)
  for (const wrong of [{ type: 'strng' }, { type: 'integer', minimum: 'x' }, 3, { enum: 'a' }]) {
    const schema = { type: 'object', additionalProperties: false, properties: { a: wrong } }
    assert.equal(checkSchema(schema).length, 1, JSON.stringify(wrong))
  }
})

test('a value that misses its form is told with what was found and what to write', () => {
  const schema = {
    type: 'object',
    additionalProperties: false,
    properties: {
      enabled: { type: 'boolean' },
      id: { type: 'string', pattern: '^[a-z]+$' },
      level: { enum: ['warn', 'info'] },
      lines: { type: 'array', items: { type: 'object', required: ['use'] } },
    },
  }
  const value = { enabled: 'yes', id: 'A b', level: 'warning', lines: { use: 'x' } }
  assert.deepEqual(
    checkAgainst(schema, value).problems.map(({ reason, hint = '' }) =>
      `${reason}. ${hint}`.trim(),
    ),
    [
      'must be true or false, not text. Write true or false, without quotes.',
      'does not match ^[a-z]+$ (it has 3 characters). Write it in that form.',
      'must be one of warn, info (did you mean "warn"?).',
      'must be a list, not a mapping. Begin each line with `- use:`.',
    ],
  )
})

test('a number that only is not whole is told itself', () => {
  assert.deepEqual(reasons(PLAIN, { limit: 9.5 }), ['limit must be a whole number, not 9.5'])
  assert.deepEqual(reasons(PLAIN, { limit: '9' }), ['limit must be a whole number, not text'])
})

test('a default that its own schema refuses is the plugin’s mistake, what was written is not', () => {
  const schema = {
    type: 'object',
    additionalProperties: false,
    properties: {
      limit: { type: 'integer', minimum: 1, default: 0 },
      deep: {
        type: 'object',
        additionalProperties: false,
        default: {},
        properties: { word: { enum: ['north', 'south'], default: 'up' } },
      },
    },
  }
  assert.deepEqual(reasons(schema, {}), [
    "limit the plugin's own default is wrong: it must be >= 1",
    "deep.word the plugin's own default is wrong: it must be one of north, south",
  ])
  assert.deepEqual(reasons(schema, { limit: 0, deep: { word: 'down' } }), [
    'limit must be >= 1',
    'deep.word must be one of north, south',
  ])
})
