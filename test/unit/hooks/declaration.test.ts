import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem, messageOf } from '../../../core/hooks/errors.ts'
import { checkPluginShape } from '../../../core/hooks/setup.ts'
import { answer, Clock, change, definePlugin, deny, token } from '../../../sdk/index.ts'

const SOUND = definePlugin({
  name: 'sound',
  version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({}),
})

function told(fields: object): string[] {
  return checkPluginShape('sound', { ...SOUND, ...fields }).map(formatProblem)
}

test('a field of a definition that is none is told with the one that was meant', () => {
  const [need, neds, ...others] = told({ need: {}, neds: {} })
  assert.deepEqual(others, [])
  assert.match(
    need ?? '',
    /^plugin sound: has an unknown field `need` \(did you mean "needs"\?\)\. Fields: name, /,
  )
  assert.match(neds ?? '', /`neds` \(did you mean "needs"\?\)/)
  assert.match(told({ zebra: 1 })[0] ?? '', /^plugin sound: has an unknown field `zebra`\. Fields/)
})

test('needs and provides that are no services are told by name, with how to write them', () => {
  for (const field of ['needs', 'provides']) {
    const one = (value: unknown) => told({ [field]: value })[0] ?? ''
    assert.match(
      one({ x: undefined }),
      new RegExp(`^plugin sound: has \`${field}\\.x\`, which is undefined and no service\\. Write`),
    )
    assert.match(one({ geo: 'Clock' }), /\.geo`, which is text and no service/)
    assert.match(one({ geo: { name: 'Geo' } }), /\.geo`, which is an object and no service/)
    assert.match(one([Clock]), /that is a list, not names with services\. Write `\{ clock: Clock/)
    assert.match(one(null), /that is null, not names with services/)
    assert.deepEqual(told({ [field]: { clock: Clock, geo: token('Geo') } }), [])
  }
})

test('a definition without setup or configSchema says so, one message each', () => {
  const [setup, schema, ...others] = told({ setup: undefined, configSchema: undefined })
  assert.deepEqual(others, [])
  assert.match(setup ?? '', /^plugin sound: has no function `setup`\. Write `setup\(/)
  assert.match(schema ?? '', /^plugin sound: has no `configSchema`\. Write `configSchema: /)
  assert.match(checkPluginShape('x', null)[0]?.reason ?? '', /no default export/)
})

test('a verdict that is thrown is told as what should be returned', () => {
  assert.equal(messageOf(deny('FORBIDDEN', 'no')), 'threw deny(…): return it')
  assert.equal(messageOf(change({ args: {} })), 'threw change(…): return it')
  assert.equal(messageOf(answer({ content: [] })), 'threw answer(…): return it')
  assert.equal(messageOf({}), 'threw an object that is no Error')
  assert.equal(messageOf('text'), 'text')
})
