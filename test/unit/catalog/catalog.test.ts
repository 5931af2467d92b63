import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Caller, Entry } from '../../../sdk/index.ts'
import { line, rig, settled } from '../kernel/kernel.ts'

const NOBODY: Caller = {
  principal: { issuer: 'test', subject: 'nobody', claims: {}, scopes: [] },
  client: {
    name: 'test',
    version: '',
    protocolVersion: '2026-07-28',
    era: 'modern',
    capabilities: {},
  },
  path: '/mcp',
}
const tool = (name: string, more: object = {}) => ({
  name,
  inputSchema: { type: 'object' },
  ...more,
})

test('include, exclude, rename and alias decide what is offered, and an alias keeps the public name', async () => {
  const { kernel, list } = await rig({
    tools: { up: ['read', 'write', 'drop'] },
    names: {
      up: {
        takes: (name) => name !== 'drop',
        rename: new Map([['write', 'put']]),
        alias: new Map([
          ['ls', 'read'],
          ['store', 'write'],
          ['oops', 'drop'],
        ]),
      },
    },
  })
  assert.deepEqual(await list(), ['up__read', 'up__ls', 'up__put', 'up__store'])
  assert.equal(kernel.catalog.of(NOBODY).find('tools/call', 'up__write'), undefined)
  assert.deepEqual(kernel.catalog.of(NOBODY).find('tools/call', 'up__store')?.targets, [
    { upstream: 'up', name: 'write', publicName: 'up__put' },
  ])
})

test('entries of one name are all hidden, whoever comes first', async () => {
  const names = { one: { prefix: '' }, two: { prefix: '' } }
  for (const order of [
    ['one', 'two'],
    ['two', 'one'],
  ]) {
    const { kernel, offer, list } = await rig({ tools: { one: null, two: null }, names })
    for (const id of order) await offer(id, ['same', `only_${id}`])
    assert.deepEqual(await list(), ['only_one', 'only_two'])
    assert.deepEqual(kernel.catalog.collisions, ['same'])
    assert.equal(kernel.catalog.of(NOBODY).find('tools/call', 'same'), undefined)
    await offer('two', ['only_two'])
    assert.deepEqual(await list(), ['same', 'only_one', 'only_two'])
  }
})

test('the order of lists is the config’s and the upstream’s, not that of arrival', async () => {
  const { offer, list } = await rig({ tools: { one: null, two: null } })
  await offer('two', ['b', 'a'])
  await offer('one', ['z', 'y'])
  assert.deepEqual(await list(), ['one__z', 'one__y', 'two__b', 'two__a'])
})

test('onRegister may keep, replace, split and drop entries, one plugin after another', async () => {
  const { list } = await rig({
    tools: { up: ['keep', 'drop', 'split', 'change'] },
    lines: [
      line('first', {
        onRegister: (entry) => {
          if (entry.name === 'up__drop') return []
          if (entry.name === 'up__split') {
            return [
              { ...entry, name: 'left' },
              { ...entry, name: 'right' },
            ]
          }
          return undefined
        },
      }),
      line('second', {
        onRegister: async (entry) =>
          entry.name === 'up__change' || entry.name === 'left'
            ? { ...entry, name: `${entry.name}d` }
            : undefined,
      }),
    ],
  })
  assert.deepEqual(await list(), ['up__keep', 'leftd', 'right', 'up__changed'])
})

test('what onRegister fails on is left out, unless the operator said skip; nonsense is a failure', async () => {
  const hooks = {
    onRegister: (entry: Entry) => {
      if (entry.name === 'up__throws') throw new Error('no')
      if (entry.name === 'up__odd') return 7 as never
      return undefined
    },
  }
  const tools = { up: ['fine', 'throws', 'odd'] }
  const strict = await rig({ tools, lines: [line('p', hooks)] })
  assert.deepEqual(await strict.list(), ['up__fine'])
  const lax = await rig({ tools, lines: [line('p', hooks, { onFailure: 'skip' })] })
  assert.deepEqual(await lax.list(), ['up__fine', 'up__throws', 'up__odd'])
})

test('an onRegister that hangs is cut off, and an older list never overwrites a newer one', async () => {
  const held: (() => void)[] = []
  const { offer, list, clock, failures } = await rig({
    tools: { up: null },
    lines: [
      line('slow', {
        onRegister: (entry) =>
          entry.definition.description === 'slow'
            ? new Promise<undefined>((resolve) => held.push(() => resolve(undefined)))
            : undefined,
      }),
    ],
  })
  const older = offer('up', [tool('old', { description: 'slow' })])
  await settled()
  await offer('up', [tool('new')])
  held[0]?.()
  await older
  assert.deepEqual(await list(), ['up__new'])
  const hanging = offer('up', [tool('hangs', { description: 'slow' }), tool('fine')])
  await settled()
  clock.advance(2_250)
  await hanging
  assert.deepEqual(await list(), ['up__fine'])
  assert.deepEqual(failures, ['slow onRegister: did not settle within 2000 ms'])
})

test('arrange sees one entry of each name, and may merge; its result obeys the rules for names', async () => {
  const seen: string[][] = []
  const { kernel, list } = await rig({
    tools: { eu: ['pods'], us: ['pods'], x: ['same'], y: ['same'] },
    names: { x: { prefix: '' }, y: { prefix: '' } },
    lines: [
      line('family', {
        arrange: (entries) => {
          seen.push(entries.map(({ name }) => name))
          const [first] = entries
          if (entries.length < 2 || first === undefined) return entries
          const targets = entries.flatMap((entry) => entry.targets)
          return [{ ...first, name: 'k8s pods', targets }]
        },
      }),
    ],
  })
  assert.deepEqual(seen.at(-1), ['eu__pods', 'us__pods'])
  assert.deepEqual(await list(), ['k8s_pods'])
  assert.equal(kernel.catalog.of(NOBODY).find('tools/call', 'k8s_pods')?.targets.length, 2)
  assert.deepEqual(kernel.catalog.collisions, ['same'])
})

test('two entries of one name from arrange are both left out, and the plugin has failed', async () => {
  const { list, failures, kernel } = await rig({
    tools: { up: ['a', 'b', 'c'] },
    lines: [
      line('p', {
        arrange: (entries) =>
          entries.map((entry) => (entry.name === 'up__c' ? entry : { ...entry, name: 'one' })),
      }),
    ],
  })
  assert.deepEqual(await list(), ['up__c'])
  assert.deepEqual(kernel.catalog.collisions, ['one'])
  assert.equal(
    failures.at(-1),
    'p arrange: returned two entries of one kind and name: one (skipped)',
  )
})

test('an arrange that fails leaves the catalog as it was', async () => {
  let broken = false
  const { offer, list, failures } = await rig({
    lines: [
      line('p', {
        arrange: (entries) => {
          if (broken) throw new Error('no')
          return entries
        },
      }),
    ],
  })
  broken = true
  await offer('up', ['c'])
  assert.deepEqual(await list(), ['up__a', 'up__b'])
  assert.deepEqual(failures, ['p arrange: no'])
})

test('the revision grows with real changes only', async () => {
  const { kernel, offer, catalogs } = await rig({ tools: { up: ['a'], down: null } })
  assert.equal(kernel.catalog.revision, 1)
  await offer('up', ['a'])
  assert.equal(kernel.catalog.revision, 1)
  await offer('up', [tool('a', { description: 'other' })])
  assert.equal(kernel.catalog.revision, 2)
  assert.deepEqual(
    catalogs.map(({ revision, complete }) => [revision, complete]),
    [
      [1, false],
      [2, false],
    ],
  )
  let told = 0
  kernel.watch({
    caller: { principal: {} } as never,
    listsMayHaveChanged: () => {
      told++
    },
  })
  kernel.catalog.settle('down')
  kernel.catalog.settle('down')
  // Whoever waits for the first lists is told; clients have nothing new to read.
  assert.deepEqual(
    [catalogs.length, catalogs.at(-1)?.complete, kernel.catalog.revision],
    [3, true, 2],
  )
  assert.equal(told, 0)
})

test('a definition travels as it came but for its name; what a plugin rebuilt keeps the rest', async () => {
  const definition = tool('a', { description: 'x', 'x-big': 1 })
  const text = JSON.stringify(definition).replace('"x-big":1', '"x-big":12345678901234567890')
  const { kernel, caller } = await rig({
    tools: { up: null },
    lines: [
      line('p', {
        present: () => ({
          key: '',
          apply: (entries) =>
            entries.map((entry) => ({
              ...entry,
              definition: { ...entry.definition, description: 'y' },
            })),
        }),
      }),
    ],
  })
  await kernel.catalog.update('up', [{ kind: 'tool', definition: JSON.parse(text), text }], true)
  const { text: listed } = (await kernel.list(caller())).tool
  assert.match(listed, /"x-big":12345678901234567890/)
  assert.equal(JSON.parse(listed)[0].description, 'y')
  assert.equal(JSON.parse(listed)[0].name, 'up__a')
})
