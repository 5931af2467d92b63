import assert from 'node:assert/strict'
import test from 'node:test'
import { Sampler } from './sampler.ts'
import { contextAt, parentOf, randomHex, stateOf } from './trace-context.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'

test('a traceparent is read as the W3C has it, and nothing that only looks like one', () => {
  const read = (traceparent: string) => parentOf({ traceparent })
  assert.deepEqual(read(`00-${TRACE}-${SPAN}-01`), { traceId: TRACE, spanId: SPAN, sampled: true })
  assert.equal(read(`00-${TRACE}-${SPAN}-00`)?.sampled, false)
  assert.equal(read(`00-${TRACE}-${SPAN}-03`)?.sampled, true)
  assert.equal(read(`cc-${TRACE}-${SPAN}-01-later`)?.sampled, true)
  for (const bad of [
    '',
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-later`,
    `00-${TRACE}-${SPAN}-01x`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}`,
  ]) {
    assert.equal(read(bad), undefined, bad)
  }
  assert.equal(parentOf({}), undefined)
})

test('a state that no header could hold does not go on', () => {
  assert.equal(stateOf({ tracestate: 'a=1,b=2' }), 'a=1,b=2')
  assert.equal(stateOf({ tracestate: 'a=1\r\nx: y' }), undefined)
  assert.equal(stateOf({ tracestate: 'a'.repeat(513) }), undefined)
  assert.equal(stateOf({}), undefined)
})

test('what is passed on names the span, and whether it is recorded', () => {
  const place = {
    traceId: TRACE,
    spanId: SPAN,
    parentId: undefined,
    remote: true,
    sampled: false,
    tracestate: undefined,
    baggage: 'b=2',
  }
  assert.deepEqual(contextAt(place, SPAN), {
    traceparent: `00-${TRACE}-${SPAN}-00`,
    baggage: 'b=2',
  })
})

test('ids are hexadecimal, of their length, and each another', () => {
  const ids = Array.from({ length: 2_000 }, () => randomHex(16))
  assert.ok(ids.every((id) => /^[0-9a-f]{32}$/.test(id)))
  assert.equal(new Set(ids).size, ids.length)
  assert.match(randomHex(8), /^[0-9a-f]{16}$/)
})

test('a sampler based on the parent does what that says, and the others do not', () => {
  const parents = [true, false, undefined]
  const said = (name: ConstructorParameters<typeof Sampler>[0]) =>
    parents.map((parent) => new Sampler(name, 0).samples(TRACE, parent))
  assert.deepEqual(said('always_on'), [true, true, true])
  assert.deepEqual(said('always_off'), [false, false, false])
  assert.deepEqual(said('traceidratio'), [false, false, false])
  assert.deepEqual(said('parentbased_always_on'), [true, false, true])
  assert.deepEqual(said('parentbased_always_off'), [true, false, false])
  assert.deepEqual(said('parentbased_traceidratio'), [true, false, false])
})

test('a ratio records its share, and the same traces whoever asks', () => {
  const sampler = new Sampler('traceidratio', 0.25)
  const ids = Array.from({ length: 8_000 }, () => randomHex(16))
  const taken = ids.filter((id) => sampler.samples(id, undefined))
  assert.ok(taken.length > 1_700 && taken.length < 2_300, String(taken.length))
  const more = new Sampler('traceidratio', 0.5)
  assert.ok(taken.every((id) => more.samples(id, undefined)))
})
