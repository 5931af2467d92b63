import assert from 'node:assert/strict'
import test from 'node:test'
import { folder, sound, told } from '../../test/fixtures/sound-plugin.ts'
import { type Hooks, type Outcome, ServiceError } from '../index.ts'
import { checkPlugin } from './index.ts'

test('every hook that writes into what it is given is told', async (t) => {
  const write = (into: object): undefined => void Object.assign(into, { written: true })
  const writing: Hooks[] = [
    {
      onRegister: ({ definition }) => write(definition),
      listFilter: ({ client }) => write(client),
      authenticate: ({ headers }) => write(headers),
      observe: (event) => void write(event),
    },
    { beforeCall: ({ args }) => write(args.deep as object) },
    {
      afterCall: (_call, outcome) => write(outcome),
      onMessage: (_about, { params }) => write(params as object),
    },
  ]
  for (const hooks of writing) {
    const reasons = await told(t, sound({}, hooks))
    const named = reasons.map((one) => /its hook (\w+) changes what it was given/.exec(one)?.[1])
    assert.deepEqual(named.sort(), Object.keys(hooks).sort())
  }
})

test('a plugin that waits for time is not waited for', { timeout: 5_000 }, async (t) => {
  await checkPlugin(sound({}, { beforeCall: () => new Promise(() => {}) }), { folder: folder(t) })
})

test('every hook that throws, or returns what it may not, is told', async (t) => {
  const fail = (): never => {
    throw new Error('oops')
  }
  const failing: [Hooks, RegExp][] = [
    [{ beforeCall: fail, status: fail }, /oops/],
    [{ observe: fail }, /oops/],
    [{ health: () => Promise.reject(new Error('oops')), stop: fail }, /oops/],
    [
      { beforeCall: () => ({ kind: 'change', args: { other: 1 } }) },
      /a guard may only ask or deny/,
    ],
    [{ afterCall: () => ({}) as Outcome }, /not an outcome/],
  ]
  for (const [hooks, text] of failing) {
    const reasons = await told(t, sound({ phase: 'guard' }, hooks))
    const named = reasons.map((one) => /its hook (\w+) failed when it was run/.exec(one)?.[1])
    assert.deepEqual(named.sort(), Object.keys(hooks).sort())
    for (const reason of reasons) assert.match(reason, text)
  }
})

test('what a service could not do in a test is not held against the plugin', async (t) => {
  const beforeCall: Hooks['beforeCall'] = () => {
    throw new ServiceError('EGRESS_FAILED', 'nobody answers', 'Look at the network.')
  }
  await checkPlugin(sound({}, { beforeCall }), { folder: folder(t) })
})
