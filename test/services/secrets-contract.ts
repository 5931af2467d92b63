// What every `Secrets` must do, whoever provides it.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { Maybe, Secrets } from '../../sdk/index.ts'

/** Runs the contract on an implementation; `make` gives empty ones. */
export function secretsContract(name: string, make: (t: TestContext) => Maybe<Secrets>): void {
  const spec = (what: string, run: (secrets: Secrets) => void) =>
    test(`${name}: ${what}`, async (t) => run(await make(t)))

  spec('every occurrence of every secret is blanked, the longer ones first', (secrets) => {
    secrets.add('hunter')
    secrets.add('hunter2')
    secrets.add('a.*b$^')
    assert.equal(secrets.redact('hunter2 hunter a.*b$^'), '[redacted] [redacted] [redacted]')
    assert.equal(secrets.redact('axxb hunt'), 'axxb hunt')
  })

  spec('a secret is found inside JSON and inside an address', (secrets) => {
    secrets.add('p"ss\\w/rd&')
    assert.equal(secrets.redact(JSON.stringify({ a: 'p"ss\\w/rd&' })), '{"a":"[redacted]"}')
    const query = encodeURIComponent('p"ss\\w/rd&')
    assert.equal(secrets.redact(`https://x/?k=${query}`), 'https://x/?k=[redacted]')
  })

  spec('what is everywhere anyway is no secret', (secrets) => {
    for (const value of ['', 'short', '1234567', '8080.25']) secrets.add(value)
    assert.equal(secrets.redact('short 1234567 8080.25'), 'short 1234567 8080.25')
    secrets.add('123456789012')
    assert.equal(secrets.redact('pin 123456789012'), 'pin [redacted]')
  })

  spec('deep inside values too, without touching the value', (secrets) => {
    secrets.add('hunter2')
    const clean = { list: [1, null, 'x'] }
    const value = { a: ['is hunter2'], clean, at: new Date(0), error: new Error('no hunter2') }
    const redacted = secrets.redactDeep(value)
    assert.deepEqual(redacted.a, ['is [redacted]'])
    assert.equal(redacted.clean, clean)
    assert.equal(redacted.at, value.at)
    assert.equal(redacted.error.message, 'no [redacted]')
    assert.doesNotMatch(redacted.error.stack ?? '', /hunter2/)
    assert.deepEqual(value.a, ['is hunter2'])
    assert.equal(secrets.redactDeep(clean), clean)
  })

  spec('a value that holds itself does not hang it', (secrets) => {
    secrets.add('hunter2')
    const value: Record<string, unknown> = { text: 'hunter2' }
    value.self = value
    assert.equal(secrets.redactDeep(value).text, '[redacted]')
  })
}
