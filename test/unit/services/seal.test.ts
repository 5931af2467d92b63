import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { GatewayError } from '../../../core/hooks/errors.ts'
import { ExpiringSet } from '../../../core/services/expiring-set.ts'
import { sealKeys } from '../../../core/services/keys.ts'
import { Seal } from '../../../core/services/seal.ts'
import { systemClock } from '../../../core/services/system-clock.ts'

const OLD = 'o'.repeat(32)
const NEW = 'n'.repeat(32)

test('what was sealed opens for its purpose only, and reads as nothing', () => {
  const seal = new Seal([OLD])
  const text = seal.seal('anna, admin: ä', 'session')
  assert.equal(seal.open(text, 'session'), 'anna, admin: ä')
  assert.equal(seal.open(text, 'cursor'), undefined)
  assert.match(text, /^[A-Za-z0-9_-]+$/)
  assert.doesNotMatch(Buffer.from(text, 'base64url').toString('latin1'), /anna/)
  assert.notEqual(seal.seal('x', 'p'), seal.seal('x', 'p'))
})

test('any change, and any other writing of it, opens nothing', () => {
  const seal = new Seal([OLD])
  const text = seal.seal('facts', 'p')
  const bytes = Buffer.from(text, 'base64url')
  for (let i = 0; i < bytes.length; i++) {
    const other = Buffer.from(bytes)
    other[i] = (other[i] ?? 0) ^ 1
    assert.equal(seal.open(other.toString('base64url'), 'p'), undefined, `byte ${i}`)
  }
  for (const other of ['', 'x', text.slice(0, -1), `${text}A`, `${text}=`, ` ${text}`]) {
    assert.equal(seal.open(other, 'p'), undefined, other)
  }
})

test('the first key seals, all open, and without the key nothing does', () => {
  const text = new Seal([OLD]).seal('facts', 'p')
  assert.equal(new Seal([NEW, OLD]).open(text, 'p'), 'facts')
  assert.equal(new Seal([NEW]).open(text, 'p'), undefined)
  assert.equal(new Seal([NEW]).open(new Seal([NEW, OLD]).seal('f', 'p'), 'p'), 'f')
  assert.throws(() => new Seal([]), RangeError)
})

test('a made-up key is kept for the next start, for its owner only', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'patchbay-keys-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const data = join(folder, 'new', 'data')
  const [key] = sealKeys([], data)
  assert.equal(key?.length, 43)
  assert.deepEqual(sealKeys([], data), [key])
  assert.equal(readFileSync(join(data, 'key'), 'utf8').trim(), key)
  assert.equal(statSync(join(data, 'key')).mode & 0o777, 0o600)
  assert.deepEqual(sealKeys([NEW], join(folder, 'never')), [NEW])
})

test('a folder that cannot be used is told of with the setting to mend', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'patchbay-keys-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'file'), '')
  assert.throws(
    () => sealKeys([], join(folder, 'file')),
    (error) => error instanceof GatewayError && error.problems[0]?.path === 'data',
  )
})

test('an empty key file is refused: it would be a key that everybody knows', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'patchbay-keys-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'key'), '\n')
  assert.throws(() => sealKeys([], folder), GatewayError)
})

test('members of the expiring set go away with time, and their memory with them', () => {
  let now = 0
  const set = new ExpiringSet(() => now)
  set.add('a', 1_000)
  assert.equal(set.has('a'), true)
  now = 1_000
  assert.equal(set.has('a'), false)
  assert.equal(set.has('b'), false)
  for (let i = 0; i < 5_000; i++) {
    now += 10
    set.add(`k${i}`, 100)
  }
  assert.equal(set.has('k4999'), true)
  assert.equal(set.has('k4000'), false)
})

test('the computer’s clock keeps no process alive', () => {
  const before = process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length
  const stop = systemClock.every(60_000, () => {})
  const during = process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length
  stop()
  assert.equal(during, before)
  const earlier = systemClock.monotonic()
  assert.ok(earlier <= systemClock.monotonic())
})
