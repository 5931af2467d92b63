import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SHAPES } from '../../../core/bridge/shapes.ts'
import { Replies, type ReplyContext } from '../../../core/inbound/replies.ts'
import { DENIAL_CODES, type DenialCode, deny, type Failure } from '../../../sdk/index.ts'

const us = { name: 'patchbay', version: '1' }
const replies = new Replies({ us, showPlugin: false, shapes: SHAPES, differ: false })
const loud = new Replies({ us, showPlugin: true, shapes: SHAPES, differ: false })
const modern: ReplyContext = { era: 'modern', requestId: 'r1', status: true }
const open: ReplyContext = { ...modern, status: false }

const read = ({ body }: { body: string }) => JSON.parse(`{${body}}`)

const CODES: Record<DenialCode, number> = {
  UNAUTHENTICATED: 40100,
  INSUFFICIENT_SCOPE: 40302,
  LOGIN_REQUIRED: 40101,
  FORBIDDEN: 40301,
  NOT_FOUND: -32602,
  RATE_LIMITED: 42901,
  INVALID: -32602,
  UNAVAILABLE: 50301,
  TIMEOUT: 50401,
}

test('a refusal of any other method is an error in-band, with a code of its own', () => {
  for (const code of DENIAL_CODES) {
    const denial = deny(code, 'no', { retryAfterMs: 5, rule: 'r' })
    const reply = replies.refusal(denial, open)
    assert.equal(reply.status, 200)
    assert.equal(reply.challenge, undefined)
    const { error } = read(reply)
    assert.equal(error.code, CODES[code])
    assert.equal(error.message, `no. ${denial.hint}`)
    assert.deepEqual(error.data, { code, message: 'no', hint: denial.hint, retryAfterMs: 5 })
    assert.equal(read(loud.refusal(denial, open)).error.data.rule, 'r')
  }
})

test('where a status can be sent, missing credentials and scopes are one, with a challenge', () => {
  for (const [code, status] of [
    ['UNAUTHENTICATED', 401],
    ['INSUFFICIENT_SCOPE', 403],
  ] as const) {
    const denial = deny(code, 'no')
    for (const reply of [replies.refusal(denial, modern), replies.toolCall(denial, modern)]) {
      assert.equal(reply.status, status)
      assert.equal(reply.challenge, denial)
      assert.equal(read(reply).error.code, CODES[code])
    }
  }
})

test('a failed plugin or gateway is an internal error that names the request', () => {
  for (const code of ['PLUGIN_FAILED', 'INTERNAL'] as const) {
    const failure: Failure = {
      kind: 'failure',
      code,
      message: 'it failed',
      hint: 'Tell the operator.',
      plugin: 'p',
      hook: 'beforeCall',
      executed: false,
    }
    for (const reply of [replies.refusal(failure, modern), replies.toolCall(failure, open)]) {
      assert.equal(reply.status, 200)
      const { error } = read(reply)
      assert.equal(error.code, -32603)
      assert.equal(error.message, 'Internal error: it failed (request r1). Tell the operator.')
      assert.equal(error.data.requestId, 'r1')
      assert.equal('plugin' in error.data, false)
    }
    const { data } = read(loud.toolCall(failure, open)).error
    assert.deepEqual([data.plugin, data.hook], ['p', 'beforeCall'])
  }
})

test('an upstream error that a plugin rebuilt is still answered as the error', () => {
  const error = { code: -32050, message: 'no', data: { n: 1 } }
  const common = { kind: 'failure', code: 'UPSTREAM_ERROR', hint: '', executed: 'unknown' } as const
  const reply = replies.toolCall({ ...common, message: 'no', error }, modern)
  assert.deepEqual(read(reply), { error })
})

test('a result has a result type in the modern era and none in the legacy one', () => {
  const result = (members: Record<string, unknown>) =>
    ({ kind: 'result', result: members, source: 'plugin', executed: false }) as const
  const legacy: ReplyContext = { ...modern, era: 'legacy' }
  for (const members of [{}, { content: [] }, { content: [], _meta: { a: 1 } }]) {
    const shaped = read(replies.toolCall(result(members), modern)).result
    assert.equal(shaped.resultType, 'complete')
    const { resultType: _, _meta, ...rest } = shaped
    const { _meta: own, ...sent } = members as { _meta?: object }
    assert.deepEqual(rest, sent)
    if (own !== undefined) assert.deepEqual(_meta, own)
    assert.deepEqual(read(replies.toolCall(result(members), legacy)).result, members)
  }
  const modernResult = { resultType: 'complete', ttlMs: 5, cacheScope: 'public', content: [] }
  assert.deepEqual(read(replies.toolCall(result(modernResult), legacy)).result, { content: [] })
  assert.deepEqual(read(replies.toolCall(result(modernResult), modern)).result, modernResult)
})
