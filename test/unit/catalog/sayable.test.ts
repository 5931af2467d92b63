import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry, Hooks } from '../../../sdk/index.ts'
import { line, rig } from '../kernel/kernel.ts'

/** What no JSON can say. */
const broken = <E extends Entry>(entry: E): E => ({
  ...entry,
  definition: { ...entry.definition, size: 1n },
})
const nowhere = (entry: Entry): Entry => ({ ...entry, targets: [null as never] })
const only = (entry: Entry, make: (entry: Entry) => Entry) =>
  entry.name === 'up__bad' ? make(entry) : entry

const tools = { up: ['good', 'bad'] }
const listed = (hooks: Hooks, onFailure: 'deny' | 'skip' = 'deny') =>
  rig({ tools, lines: [line('p', hooks, { onFailure })] })

for (const [what, make] of [
  ['JSON cannot say', broken],
  ['goes nowhere', nowhere],
] as const) {
  test(`what onRegister makes and ${what} is left out, and its plugin failed`, async () => {
    const hooks = { onRegister: (entry: Entry) => only(entry, make) }
    const { list, failures } = await listed(hooks)
    assert.deepEqual(await list(), ['up__good'])
    assert.match(failures.join(), /^p onRegister: /)
    assert.deepEqual(await (await listed(hooks, 'skip')).list(), ['up__good', 'up__bad'])
  })

  test(`what arrange makes and ${what} leaves the catalog as it was`, async () => {
    const hooks = { arrange: (all: readonly Entry[]) => all.map((one) => only(one, make)) }
    const { list, failures } = await listed(hooks)
    assert.deepEqual(await list(), [])
    assert.match(failures.join(), /^p arrange: /)
    assert.deepEqual(await (await listed(hooks, 'skip')).list(), ['up__good', 'up__bad'])
  })
}

test('a presentation that JSON cannot say is its plugin’s failure', async () => {
  const hooks: Hooks = { present: () => ({ key: 'k', apply: (all) => all.map(broken) }) }
  await assert.rejects((await listed(hooks)).list(), /plugin p, hook present: /)
  assert.deepEqual(await (await listed(hooks, 'skip')).list(), ['up__good', 'up__bad'])
})

test('an identity’s own list that a plugin breaks ends nothing', async () => {
  const { list, failures } = await rig({
    tools,
    ownTools: () => ['good', 'bad'],
    lines: [line('who', { identity: () => 'anna', onRegister: (entry) => only(entry, broken) })],
  })
  await list()
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(await list(), ['up__good'])
  assert.match(failures.join(), /^who onRegister: /)
})
