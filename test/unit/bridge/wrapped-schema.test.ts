import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { needsWrapping, wrapOutputSchema } from '../../../core/bridge/wrapped-schema.ts'

const wrap = (schema: string): string => {
  const text = `{"name":"t","inputSchema":{"type":"object"},"outputSchema":${schema},"x":1.0}`
  return wrapOutputSchema(JSON.parse(text), text)
}
const schemaOf = (text: string) => JSON.parse(text).outputSchema

test('only what is not plainly the schema of an object is wrapped', () => {
  for (const schema of [
    undefined,
    null,
    { type: 'object' },
    { type: 'object', $ref: '#/$defs/a' },
  ]) {
    assert.equal(needsWrapping(schema), false, JSON.stringify(schema))
  }
  for (const schema of [true, {}, { type: 'array' }, { type: ['object'] }, { anyOf: [] }]) {
    assert.equal(needsWrapping(schema), true, JSON.stringify(schema))
  }
})

test('everything beside the schema, and every number in it, keeps its text', () => {
  assert.equal(
    wrap('{"type":"integer","maximum":9007199254740993,"multipleOf":1.0}'),
    '{"outputSchema":{"type":"object","properties":{"result":{"type":"integer","maximum":9007199254740993,"multipleOf":1.0}},"required":["result"]},"name":"t","inputSchema":{"type":"object"},"x":1.0}',
  )
  assert.ok(wrap('true').includes('"properties":{"result":true}'))
})

test('numbers keep their text also where references had to move', () => {
  const text = wrap(
    '{"items":{"$ref":"#/$defs/n"},"$defs":{"n":{"maximum":9007199254740993,"minimum":-1e400}}}',
  )
  assert.ok(text.includes('"$ref":"#/properties/result/$defs/n"'), text)
  assert.ok(text.includes('"maximum":9007199254740993'), text)
  assert.ok(text.includes('"minimum":-1e400'), text)
})

test('references still name what they named', () => {
  const tree = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'array',
    items: { anyOf: [{ $ref: '#' }, { $ref: '#/$defs/leaf' }, { $ref: '#twig' }] },
    $defs: {
      leaf: { type: 'integer' },
      twig: { $anchor: 'twig', type: 'object', properties: { $ref: { type: 'string' } } },
    },
  }
  const ajv = new Ajv2020({ strict: false })
  const plain = ajv.compile(tree)
  const wrapped = ajv.compile(schemaOf(wrap(JSON.stringify(tree))))
  for (const value of [[], [1, [2, [3]]], [{ $ref: 'x' }], ['no'], [[['no']]], [{ $ref: 1 }], 1]) {
    assert.equal(wrapped({ result: value }), plain(value), JSON.stringify(value))
  }
  assert.equal(wrapped([]), false)
  assert.equal(wrapped({}), false)
})

test('a schema with an id of its own keeps its references, wherever it stands', () => {
  const root =
    '{"$id":"https://example.com/s","$schema":"https://json-schema.org/draft/2020-12/schema","type":"array","items":{"$ref":"#/$defs/a"},"$defs":{"a":{"type":"integer"}}}'
  const { properties, $schema } = schemaOf(wrap(root))
  assert.deepEqual(properties.result, JSON.parse(root))
  assert.equal($schema, 'https://json-schema.org/draft/2020-12/schema')
  const check = new Ajv2020({ strict: false }).compile(schemaOf(wrap(root)))
  assert.equal(check({ result: [1] }), true)
  assert.equal(check({ result: ['a'] }), false)

  const inside = {
    anyOf: [{ $id: 'https://example.com/i', $ref: '#/$defs/x' }, { $ref: '#/$defs/x' }],
  }
  const { anyOf } = schemaOf(wrap(JSON.stringify(inside))).properties.result
  assert.equal(anyOf[0].$ref, '#/$defs/x')
  assert.equal(anyOf[1].$ref, '#/properties/result/$defs/x')
})

test('what only looks like a reference is none', () => {
  const schema = {
    const: { $ref: '#/a' },
    enum: [{ $ref: '#' }],
    default: { $ref: '#' },
    examples: [{ $ref: '#' }],
    properties: { const: { $ref: '#/b' }, enum: { $ref: 'https://example.com/#/c' } },
  }
  const { result } = schemaOf(wrap(JSON.stringify(schema))).properties
  assert.deepEqual(result, {
    ...schema,
    properties: { ...schema.properties, const: { $ref: '#/properties/result/b' } },
  })
})

test('the deepest schema is wrapped, and a member that stands twice reads as parsers read it', () => {
  const deep = `${'{"items":'.repeat(5_000)}true${'}'.repeat(5_000)}`
  assert.ok(wrap(deep).length > deep.length)
  const twice = '{"outputSchema":{"type":"array"},"name":"t","outputSchema":{"type":"number"}}'
  const { outputSchema } = JSON.parse(wrapOutputSchema(JSON.parse(twice), twice))
  assert.deepEqual(outputSchema.properties.result, { type: 'number' })
})
