import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CarriedHeaders, SentHeaders } from '../../../core/outbound/sent-headers.ts'

const COMMON = ['content-type', 'application/json', 'accept', 'application/json, text/event-stream']

test('what a request carries is behind what was prepared for its credentials, and prepared by nobody', () => {
  const sent = new SentHeaders({ 'X-Team': 'sales' }, ['mcp-protocol-version', '2026-07-28'])
  const credentials = { authorization: 'Bearer x', 'Mcp-Name': 'theirs' }
  const prepared = sent.post(credentials)
  assert.deepEqual(prepared, [
    ...COMMON,
    'x-team',
    'sales',
    'authorization',
    'Bearer x',
    'mcp-protocol-version',
    '2026-07-28',
  ])
  assert.equal(sent.post(credentials), prepared)
  const carried = new CarriedHeaders(credentials, ['traceparent', '00-1'])
  assert.deepEqual(sent.post(carried), [...prepared, 'traceparent', '00-1'])
  assert.deepEqual(sent.get(carried).slice(-4), [
    'traceparent',
    '00-1',
    'accept',
    'text/event-stream',
  ])
  assert.deepEqual(sent.post(new CarriedHeaders(undefined, ['a', 'b'])).slice(-2), ['a', 'b'])
})
