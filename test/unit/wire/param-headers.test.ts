import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  differingParamHeader,
  paramHeaders,
  strayParamHeaders,
  writeParamHeaders,
} from '../../../core/wire/param-headers.ts'

const region = { type: 'string', 'x-mcp-header': 'Region' }
const object = (properties: object) => ({ type: 'object', properties })
const { list } = paramHeaders(
  object({
    region,
    at: object({ count: { type: 'integer', 'x-mcp-header': 'Count' } }),
    dry: { type: 'boolean', 'x-mcp-header': 'dry' },
    other: { type: 'string' },
  }),
)

test('annotated properties are found at every depth, and read once per schema', () => {
  assert.deepEqual(list, [
    { path: ['region'], header: 'mcp-param-region' },
    { path: ['at', 'count'], header: 'mcp-param-count' },
    { path: ['dry'], header: 'mcp-param-dry' },
  ])
  const schema = object({ region })
  assert.equal(paramHeaders(schema), paramHeaders(schema))
  assert.equal(paramHeaders(object({})), paramHeaders({ type: 'object' }))
})

test('an annotation that breaks a rule makes the whole schema faulty, and the place is told', () => {
  const faulty: [RegExp, object][] = [
    [/a: .*token/, object({ a: { ...region, 'x-mcp-header': 'a b' } })],
    [/a: .*token/, object({ a: { ...region, 'x-mcp-header': '' } })],
    [/a: .*token/, object({ a: { ...region, 'x-mcp-header': 'a\r\nb' } })],
    [/a: .*token/, object({ a: { ...region, 'x-mcp-header': 7 } })],
    [/b: .*unique/, object({ a: region, b: { ...region, 'x-mcp-header': 'REGION' } })],
    [/a: .*type/, object({ a: { ...region, type: 'number' } })],
    [/a: .*type/, object({ a: { ...region, type: 'object' } })],
    [/a: .*type/, object({ a: { ...region, type: ['string', 'null'] } })],
    [/a: .*type/, object({ a: { 'x-mcp-header': 'A' } })],
    [/the schema itself/, { type: 'string', 'x-mcp-header': 'A' }],
    [/a\.<items>/, object({ a: { type: 'array', items: region } })],
    [/a\.<items>\.b/, object({ a: { type: 'array', items: object({ b: region }) } })],
    [/<oneOf>\.a/, { oneOf: [{}, object({ a: region })] }],
    [/<anyOf>/, object({ a: { anyOf: [region] } })],
    [/<allOf>/, object({ a: { allOf: [region] } })],
    [/<if>/, { if: object({ a: region }) }],
    [/<additionalProperties>/, { additionalProperties: region }],
    [/<\$defs>/, { $defs: { a: region }, properties: { a: { $ref: '#/$defs/a' } } }],
    [/<patternProperties>/, { patternProperties: { '^a': region } }],
  ]
  for (const [reason, schema] of faulty) {
    const found = paramHeaders(schema)
    assert.match(found.fault ?? '', reason, JSON.stringify(schema))
    assert.deepEqual(found.list, [])
  }
})

test('a property or an example that is only called like the annotation is none', () => {
  const schema = object({ 'x-mcp-header': { type: 'string' }, a: { default: region } })
  assert.deepEqual(paramHeaders(schema), { list: [] })
})

test('headers are written in plain where they can be, and not at all for what is not there', () => {
  const args = { region: 'eu-1', at: { count: 7 }, dry: false }
  assert.deepEqual(
    writeParamHeaders(list, args),
    'mcp-param-region eu-1 mcp-param-count 7 mcp-param-dry false'.split(' '),
  )
  assert.deepEqual(writeParamHeaders(list, { region: null, at: 'none', dry: {} }), [])
  assert.deepEqual(writeParamHeaders(list, { region: 'Köln' }), [
    'mcp-param-region',
    '=?base64?S8O2bG4=?=',
  ])
})

test('a header must say what its argument says, and must not stand alone', () => {
  const differing = (args: object, headers: Record<string, string>) =>
    differingParamHeader(list, args, headers)
  assert.equal(differing({}, {}), undefined)
  assert.equal(differing({ region: null }, {}), undefined)
  assert.equal(differing({ region: 'eu' }, { 'mcp-param-region': ' eu ' }), undefined)
  assert.equal(
    differing({ region: 'Köln' }, { 'mcp-param-region': '=?base64?S8O2bG4=?=' }),
    undefined,
  )
  assert.equal(differing({ at: { count: 7 } }, { 'mcp-param-count': '7.0' }), undefined)
  assert.equal(differing({ dry: true }, { 'mcp-param-dry': 'true' }), undefined)

  assert.equal(differing({ region: 'eu' }, {}), 'mcp-param-region')
  assert.equal(differing({ region: 'eu' }, { 'mcp-param-region': 'EU' }), 'mcp-param-region')
  assert.equal(differing({ region: '7' }, { 'mcp-param-region': '7.0' }), 'mcp-param-region')
  assert.equal(differing({}, { 'mcp-param-region': 'eu' }), 'mcp-param-region')
  assert.equal(
    differing({ region: 'eu' }, { 'mcp-param-region': '=?base64?x?=' }),
    'mcp-param-region',
  )
  assert.equal(differing({ at: { count: 7 } }, { 'mcp-param-count': '8' }), 'mcp-param-count')
  assert.equal(differing({ dry: true }, { 'mcp-param-dry': 'True' }), 'mcp-param-dry')
})

test('headers of nobody’s annotation are told from those that are known', () => {
  const headers = { 'mcp-param-region': 'eu', 'mcp-param-else': 'x', 'mcp-name': 'n' }
  assert.deepEqual(strayParamHeaders(headers, list), ['mcp-param-else', 'x'])
})
