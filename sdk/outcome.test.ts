import assert from 'node:assert/strict'
import test from 'node:test'
import { type DenialCode, type DenialData, deny } from './index.ts'

test('a denial has the usual advice of its code, or its own', () => {
  assert.match(deny('RATE_LIMITED', 'too much').hint, /^Wait/)
  const data = { hint: 'Come back at nine.', retryAfterMs: 5, rule: 'night', scopes: ['late'] }
  const own = deny('UNAVAILABLE', 'shut', data)
  assert.deepEqual(
    [own.hint, own.retryAfterMs, own.rule, own.scopes],
    ['Come back at nine.', 5, 'night', ['late']],
  )
})

test('what no caller could be told is refused where it is written', () => {
  assert.throws(() => deny('NOT_NOW' as DenialCode, 'no'), /no code NOT_NOW; .* FORBIDDEN/)
  assert.throws(() => deny('FORBIDDEN', ''), /no message; say what is refused and why/)
  const parts: Record<string, unknown>[] = [
    { retryAfter: 5 },
    { retryAfterMs: '5s' },
    { retryAfterMs: Number.NaN },
    { hint: '' },
    { hint: undefined },
    { scopes: 'admin' },
  ]
  for (const data of parts) {
    assert.throws(() => deny('FORBIDDEN', 'no', data as DenialData), {
      name: 'TypeError',
      message: /of a denial.*hint, retryAfterMs, rule, scopes/,
    })
  }
})
