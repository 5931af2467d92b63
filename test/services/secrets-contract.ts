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

  spec('what was dropped as often as it was added is told again, and nothing else', (secrets) => {
    secrets.add('hunter2')
    secrets.add('hunter2')
    secrets.add('sw0rdfish/')
    secrets.drop('hunter2')
    secrets.drop('nobody added it')
    assert.equal(secrets.redact('hunter2'), '[redacted]')
    secrets.drop('hunter2')
    assert.equal(secrets.redact('hunter2 sw0rdfish%2F'), 'hunter2 [redacted]')
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

  spec('inside instances of classes, maps and sets too', (secrets) => {
    secrets.add('hunter2')
    class Outcome {
      readonly kind = 'result'
      readonly result: object
      constructor(result: object) {
        this.result = result
      }
    }
    const dirty = new Outcome({ text: 'is hunter2' })
    assert.deepEqual(secrets.redactDeep(dirty), {
      kind: 'result',
      result: { text: 'is [redacted]' },
    })
    assert.deepEqual(dirty.result, { text: 'is hunter2' })
    const sound = new Outcome({ text: 'nothing' })
    assert.equal(secrets.redactDeep(sound), sound)
    assert.deepEqual(secrets.redactDeep(new Map([['key', 'hunter2']])).get('key'), '[redacted]')
    assert.deepEqual([...secrets.redactDeep(new Set(['hunter2']))], ['[redacted]'])
    assert.equal(
      secrets.redactDeep({ at: new URL('https://x/hunter2') }).at,
      'https://x/[redacted]',
    )
    const bytes = { at: new URL('https://x/'), of: Buffer.from('x'), in: new Map([[1, sound]]) }
    assert.equal(secrets.redactDeep(bytes), bytes)
  })

  spec('in what an error carries and in its cause', (secrets) => {
    secrets.add('hunter2')
    const cause = new TypeError('no hunter2')
    const error = Object.assign(new Error('failed', { cause }), { code: 'NO', query: 'hunter2' })
    const clean = secrets.redactDeep(error)
    assert.deepEqual([clean.code, clean.query, clean.message], ['NO', '[redacted]', 'failed'])
    assert.equal((clean.cause as Error).message, 'no [redacted]')
    assert.equal((clean.cause as Error).name, 'TypeError')
    assert.equal(error.query, 'hunter2')
    const sound = new Error('fine', { cause: 1 })
    assert.equal(secrets.redactDeep(sound), sound)
  })

  spec('a value that holds itself does not hang it', (secrets) => {
    secrets.add('hunter2')
    const value: Record<string, unknown> = { text: 'hunter2' }
    value.self = value
    assert.equal(secrets.redactDeep(value).text, '[redacted]')
  })
}
