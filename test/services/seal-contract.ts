// What every `Seal` must do, whoever provides it.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { Maybe, Seal } from '../../sdk/index.ts'

/** Two plugin lines of one gateway. */
export interface SealUnderTest {
  readonly one: Seal
  readonly other: Seal
}

/** Runs the contract on an implementation. */
export function sealContract(name: string, make: (t: TestContext) => Maybe<SealUnderTest>): void {
  const spec = (what: string, run: (under: SealUnderTest) => void) =>
    test(`${name}: ${what}`, async (t) => run(await make(t)))

  spec('what was sealed opens for the same purpose only', ({ one }) => {
    const text = one.seal('{"facts":"ü"}', 'cursor')
    assert.match(text, /^[A-Za-z0-9_-]+$/)
    assert.doesNotMatch(Buffer.from(text, 'base64url').toString('latin1'), /facts/)
    assert.equal(one.open(text, 'cursor'), '{"facts":"ü"}')
    assert.equal(one.open(text, 'handle'), undefined)
  })

  spec('another plugin line opens nothing', ({ one, other }) => {
    assert.equal(other.open(one.seal('facts', 'cursor'), 'cursor'), undefined)
  })

  spec('the same facts never make the same text', ({ one }) => {
    assert.notEqual(one.seal('facts', 'p'), one.seal('facts', 'p'))
  })

  spec('what was changed, cut or made up opens nothing', ({ one }) => {
    const text = one.seal('facts', 'p')
    const swapped = text.startsWith('A') ? 'B' : 'A'
    for (const wrong of [
      '',
      'x',
      text.slice(0, -2),
      `${text}AA`,
      swapped + text.slice(1),
      text.slice(0, -3) + (text.at(-3) === 'A' ? 'B' : 'A') + text.slice(-2),
    ]) {
      assert.equal(one.open(wrong, 'p'), undefined, wrong)
    }
  })
}
