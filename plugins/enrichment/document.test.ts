import assert from 'node:assert/strict'
import test from 'node:test'
import { Document } from './document.ts'

const text = (words: string) => ({ type: 'text', text: words })

test('a text that repeats structuredContent in other words is kept in step, in its own order', () => {
  const structuredContent = { a: 2, b: { c: 1.5 } }
  const content = [text('See:'), text('{"b" : {"c": 1.50}, "a": 2}'), text('{"a":2}')]
  const document = new Document({ content, structuredContent }, 1000)
  document.write(['b', 'd'], 'new')
  assert.deepEqual(document.changes(), {
    structuredContent: { a: 2, b: { c: 1.5, d: 'new' } },
    content: [text('See:'), text('{"b":{"c":1.50,"d":"new"},"a":2}'), text('{"a":2}')],
  })
})

test('a text that says something else than structuredContent is left alone', () => {
  for (const words of ['{"a":3}', '{"a":2,"b":1}', '{}', '[2]', '{"a":"2"}', '{"a":null}']) {
    const document = new Document({ content: [text(words)], structuredContent: { a: 2 } }, 1000)
    document.write(['new'], 1)
    assert.deepEqual(document.changes(), { structuredContent: { a: 2, new: 1 } }, words)
  }
})

test('the form of a text stays: indented by as much as before', () => {
  for (const indent of ['', '  ', '    ', '\t']) {
    const words = JSON.stringify({ a: { b: 1 } }, null, indent)
    const document = new Document({ content: [text(words)] }, 1000)
    document.write(['c'], 2)
    const content = [text(JSON.stringify({ a: { b: 1 }, c: 2 }, null, indent))]
    assert.deepEqual(document.changes(), { content })
  }
})

test('a member called __proto__ is a member like any other', () => {
  const document = new Document({ content: [text('{"a":1}')] }, 1000)
  document.write(['__proto__', 'polluted'], true)
  assert.deepEqual(document.changes(), {
    content: [text('{"a":1,"__proto__":{"polluted":true}}')],
  })
  assert.equal(({} as Record<string, unknown>).polluted, undefined)
})
