import assert from 'node:assert/strict'
import { test } from 'node:test'
import { writeChanged } from '../../../core/wire/changed-json.ts'
import {
  editMembers,
  findMember,
  memberName,
  memberText,
  readElements,
  readMembers,
  repeatsName,
  repeatsNameAnywhere,
  skipValue,
} from '../../../core/wire/json.ts'

test('members are found whatever white space and escapes there are', () => {
  const text = ' { "a\\u0062" : [1, {"x":"}"}] ,\n"q\\"" : "\\\\" , "":null }'
  const members = readMembers(text)
  const names = [0, 4, 8].map((i) => memberName(text, members, i))
  assert.deepEqual(names, ['ab', 'q"', ''])
  assert.equal(memberText(text, members, 0), '[1, {"x":"}"}]')
  assert.equal(memberText(text, members, 4), '"\\\\"')
  assert.equal(findMember(text, members, 'ab'), 0)
  assert.equal(findMember(text, members, 'a\\u0062'), -1)
})

test('names are compared as what they say, however they are written', () => {
  const repeats = (text: string) => repeatsName(text, readMembers(text))
  assert.equal(repeats('{"ab":1,"c":2,"ab":3}'), true)
  assert.equal(repeats('{"ab":1,"a\\u0062":2}'), true)
  assert.equal(repeats('{"a\\u0062":1,"c":2,"ab":3}'), true)
  assert.equal(repeats('{"ab":1,"ac":2,"abc":3,"a\\u0064":4}'), false)
})

test('elements are found with their own text', () => {
  const text = '[ 1 ,"a,b", [2,[ ]],{} ]'
  const at = readElements(text, 0)
  const parts = [0, 2, 4, 6].map((i) => text.slice(at[i], at[i + 1]))
  assert.deepEqual(parts, ['1', '"a,b"', '[2,[ ]]', '{}'])
  assert.deepEqual(readElements('[ ]', 0), [])
})

test('edits replace, add and remove members, under any spelling of their names, and keep the rest', () => {
  const text = '{"keep":1.0,"n\\u0061me":"x","gone":[1],"name":"y"}'
  assert.equal(
    editMembers(text, 0, { name: '"z"', gone: undefined, more: '2' }),
    '{"name":"z","more":2,"keep":1.0}',
  )
})

test('a name that occurs twice is found at any depth and under any spelling', () => {
  const twice = ['{"a":1,"a":2}', '[{"b":{"a":1,"\\u0061":2}}]', '{"x":[[{"a":1,"b":2,"a":3}]]}']
  for (const text of twice) assert.equal(repeatsNameAnywhere(text, 0), true, text)
  const once = ['{"a":"a","b":{"a":1}}', '[{"a":1},{"a":1}]', '{"a":["a","a"]}', '"a"', '7', '[]']
  for (const text of once) assert.equal(repeatsNameAnywhere(text, 0), false, text)
  const wide = `{${Array.from({ length: 200 }, (_, i) => `"k${i}":1`).join(',')}}`
  assert.equal(repeatsName(wide, readMembers(wide)), false)
  const doubled = `${wide.slice(0, -1)},"k7":2}`
  assert.equal(repeatsName(doubled, readMembers(doubled)), true)
  assert.equal(repeatsNameAnywhere(doubled, 0), true)
})

test('depth costs neither stack nor time', () => {
  const deep = `${'['.repeat(200_000)}1${']'.repeat(200_000)}`
  assert.equal(skipValue(deep, 0), deep.length)
  assert.equal(repeatsNameAnywhere(deep, 0), false)
  const nested = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`
  assert.equal(repeatsNameAnywhere(nested, 0), false)
})

test('numbers that JavaScript cannot hold survive a change beside them', () => {
  for (const number of [
    '12345678901234567890',
    '123456.7890123456789',
    '1e400',
    '0.10000000000000000001',
  ]) {
    const text = `{"id":${number},"secret":"x","deep":{"id":${number}}}`
    const original = JSON.parse(text)
    const changed = writeChanged({ ...original, secret: '***' }, original, text)
    assert.equal(changed, `{"id":${number},"secret":"***","deep":{"id":${number}}}`)
  }
})

test('an element that moved takes its own source with it, never its neighbour’s', () => {
  const text =
    '[{"id":12345678901234567890},{"id":12345678901234567891},{"id":12345678901234567892}]'
  const original = JSON.parse(text) as { id: number }[]
  assert.equal(
    writeChanged(original.slice(1), original, text),
    '[{"id":12345678901234567891},{"id":12345678901234567892}]',
  )
  // Rebuilt elements of a shorter list could be any of the old ones: their numbers are written as they are.
  const rebuilt = original.slice(1).map(({ id }) => ({ id }))
  assert.equal(writeChanged(rebuilt, original, text), JSON.stringify(rebuilt))
})

test('what JSON.stringify leaves out or converts is left out and converted', () => {
  const text = '{"id":12345678901234567890,"a":1,"list":[1,2],"when":{"t":1}}'
  const original = JSON.parse(text)
  const value = { ...original, a: undefined, list: [undefined, 2], when: new Date(0) }
  assert.equal(
    writeChanged(value, original, text),
    '{"id":12345678901234567890,"list":[null,2],"when":"1970-01-01T00:00:00.000Z"}',
  )
})

test('a wide object is written in good time', () => {
  const text = `{"big":12345678901234567890,${Array.from({ length: 50_000 }, (_, i) => `"k${i}":${i}`).join(',')}}`
  const original = JSON.parse(text)
  const written = writeChanged({ ...original, k7: 'x' }, original, text)
  assert.deepEqual(JSON.parse(written), { ...original, k7: 'x' })
  assert.match(written, /12345678901234567890/)
})

/** A small generator of JSON texts (mulberry32), the same on every run. */
function texts(seed: number) {
  let state = seed
  const random = (below: number) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
  const space = () => ['', '', ' ', '\n\t'][random(4)]
  const string = () =>
    JSON.stringify(['', 'a', '"', '\\', 'ä', '{', '],', '\u2028', 'a\\"b', '😀'][random(10)])
  const value = (depth: number): string => {
    const kind = random(depth > 3 ? 4 : 6)
    if (kind === 0) return String(random(1e6) - 5e5)
    if (kind === 1)
      return ['null', 'true', 'false', '1.50', '-0', '1e3', '12345678901234567890'][
        random(7)
      ] as string
    if (kind < 4) return string()
    const n = random(4)
    const item = () => `${space()}${value(depth + 1)}${space()}`
    if (kind === 4) return `[${n === 0 ? space() : Array.from({ length: n }, item).join(',')}]`
    // No backslash at the end of a name: V8 of Node 24 takes the name `k"` for `k\\` once it has seen that.
    const ending = () => ['', 'a', '\\"', 'ä', '\\u0062', '{'][random(6)]
    const member = (_: unknown, i: number) => `${space()}"k${i}${ending()}"${space()}:${item()}`
    return `{${n === 0 ? space() : Array.from({ length: n }, member).join(',')}}`
  }
  return { value: () => value(0), random }
}

test('every reading agrees with JSON.parse (generated texts)', () => {
  const { value: text, random } = texts(20260728)
  for (let n = 0; n < 2_000; n++) {
    const whole = `${text()}`
    const parsed: unknown = JSON.parse(whole)
    assert.equal(skipValue(`${whole}]`, 0), whole.length, whole)
    if (Array.isArray(parsed)) {
      const at = readElements(whole, 0)
      const read = parsed.map((_, i) => JSON.parse(whole.slice(at[2 * i], at[2 * i + 1])))
      assert.deepEqual(read, parsed)
      assert.equal(at.length, parsed.length * 2)
    } else if (typeof parsed === 'object' && parsed !== null) {
      const members = readMembers(whole)
      const read = new Map<string, unknown>()
      for (let i = 0; i < members.length; i += 4) {
        read.set(memberName(whole, members, i), JSON.parse(memberText(whole, members, i)))
      }
      assert.deepEqual(Object.fromEntries(read), parsed)
      const edited = { ...parsed, k0: random(9) }
      assert.deepEqual(JSON.parse(editMembers(whole, 0, { k0: JSON.stringify(edited.k0) })), edited)
      const changed = writeChanged(edited, parsed, whole)
      // JSON.stringify says -0 as 0; the source text says it as it was.
      assert.deepEqual(
        JSON.parse(JSON.stringify(JSON.parse(changed))),
        JSON.parse(JSON.stringify(edited)),
      )
    }
  }
})
