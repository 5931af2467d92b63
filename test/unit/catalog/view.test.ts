import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Caller, Filter, Presentation } from '../../../sdk/index.ts'
import { line, rig, settled } from '../kernel/kernel.ts'

const ben = { principal: { subject: 'ben' } }
const permit = (...names: string[]): Filter => ({
  key: names.join(),
  test: ({ name }) => names.includes(name) || { rule: 'names', reason: 'not among them' },
})

test('what a filter does not permit is neither listed nor callable, and reads as unknown', async () => {
  const { list, call, servers } = await rig({
    lines: [line('f', { listFilter: () => permit('up__a') })],
  })
  assert.deepEqual(await list(), ['up__a'])
  assert.equal((await call('up__a')).kind, 'result')
  const refused = await call('up__b')
  const unknown = await call('up__c')
  assert.equal(refused.kind === 'denial' && refused.message, 'Unknown tool: up__b')
  assert.equal(unknown.kind === 'denial' && unknown.message, 'Unknown tool: up__c')
  assert.equal(refused.kind === 'denial' && refused.plugin, 'f')
  assert.equal(servers.sent.length, 1)
})

test('all filters must agree, and anything but true refuses', async () => {
  const { list } = await rig({
    tools: { up: ['a', 'b', 'c', 'd'] },
    lines: [
      line('one', { listFilter: () => permit('up__a', 'up__b', 'up__c') }),
      line('two', {
        listFilter: () => ({
          key: '',
          test: ({ name }) => {
            if (name === 'up__b') return 'yes' as never
            if (name === 'up__c') throw new Error('no')
            return true
          },
        }),
      }),
    ],
  })
  assert.deepEqual(await list(), ['up__a'])
})

for (const [what, verdict] of [
  ['undefined', undefined],
  ['null', null],
  ['1', 1],
  ['{}', {}],
  ['a promise of true', Promise.resolve(true)],
] as const) {
  test(`a filter that answers ${what} permits nothing`, async () => {
    const { list, call, servers } = await rig({
      lines: [line('f', { listFilter: () => ({ key: '', test: () => verdict as never }) })],
    })
    assert.deepEqual(await list(), [])
    const refused = await call('up__a')
    assert.equal(refused.kind === 'denial' && refused.code, 'NOT_FOUND')
    assert.equal(servers.sent.length, 0)
  })
}

test('more scopes are asked for only if they would help', async () => {
  const { call } = await rig({
    lines: [
      line('f', {
        listFilter: () => ({
          key: '',
          test: ({ name }) =>
            name === 'up__a'
              ? { rule: 'r', reason: 'scope', scopes: ['write'] }
              : { rule: 'r', reason: 'no' },
        }),
      }),
    ],
  })
  const step = await call('up__a')
  assert.deepEqual(step.kind === 'denial' && [step.code, step.scopes], [
    'INSUFFICIENT_SCOPE',
    ['write'],
  ])
  const never = await call('up__b')
  assert.equal(never.kind === 'denial' && never.code, 'NOT_FOUND')
})

test('a caller is asked for once, and callers with equal keys share their answers and lists', async () => {
  const asked: string[] = []
  let tests = 0
  const { list, kernel, caller } = await rig({
    lines: [
      line('f', {
        listFilter: ({ principal }: Caller) => {
          asked.push(principal.subject)
          return {
            key: 'same',
            test: () => {
              tests++
              return true
            },
          }
        },
      }),
    ],
  })
  await list()
  await list()
  await list(ben)
  assert.deepEqual(asked, ['anna', 'ben'])
  assert.equal(tests, 2)
  assert.equal(await kernel.list(caller()), await kernel.list(caller(ben)))
})

test('an answer without a key is nobody’s: the plugin failed, and nothing is permitted', async () => {
  const { list, failures } = await rig({
    lines: [
      line('f', { listFilter: () => ({ test: () => true }) as never }, { onFailure: 'skip' }),
    ],
  })
  await assert.rejects(list(), /plugin f, hook listFilter/)
  assert.deepEqual(failures, ['f listFilter: returned no {key, test}'])
})

test('an answer is kept until its time is over', async () => {
  let asked = 0
  const { list, clock } = await rig({
    lines: [
      line('f', { listFilter: () => ({ key: '', until: 0, test: () => true }) }),
      line('g', {
        listFilter: () => {
          asked++
          return { key: '', test: () => true }
        },
      }),
    ],
  })
  await list()
  await list()
  assert.equal(asked, 2)
  assert.ok(clock.now() > 0)
})

test('until is a time on the gateway’s clock', async () => {
  let asked = 0
  const { list, clock } = await rig({
    lines: [
      line('f', {
        listFilter: () => {
          asked++
          return { key: '', until: clock.now() + 1_000, test: () => true }
        },
      }),
    ],
  })
  await list()
  clock.advance(999)
  await list()
  assert.equal(asked, 1)
  clock.advance(1)
  await list()
  assert.equal(asked, 2)
})

test('invalidate asks everybody again, or one principal only', async () => {
  const asked: string[] = []
  const { kernel, list } = await rig({
    lines: [
      line('f', {
        listFilter: ({ principal }) => {
          asked.push(principal.subject)
          return { key: principal.subject, test: () => true }
        },
      }),
    ],
  })
  await list()
  await list(ben)
  kernel.invalidate({ issuer: 'test', subject: 'ben' })
  await list()
  await list(ben)
  assert.deepEqual(asked, ['anna', 'ben', 'ben'])
  kernel.invalidate()
  await list()
  await list(ben)
  assert.equal(asked.length, 5)
})

test('an answer that was overtaken by an invalidation serves its request and is not kept', async () => {
  let allowed = ['up__a']
  const held: (() => void)[] = []
  const { kernel, list } = await rig({
    lines: [
      line('f', {
        listFilter: () => {
          const filter = permit(...allowed)
          return new Promise<Filter>((resolve) => held.push(() => resolve({ ...filter, key: '' })))
        },
      }),
    ],
  })
  const old = list()
  allowed = ['up__b']
  kernel.invalidate()
  held[0]?.()
  assert.deepEqual(await old, ['up__a'])
  const fresh = list()
  await settled()
  held[1]?.()
  assert.deepEqual(await fresh, ['up__b'])
})

test('those who watch their lists are told of changes that concern them', async () => {
  const told: string[] = []
  const { kernel, caller, offer } = await rig()
  const stop = kernel.watch({ caller: caller(), listsMayHaveChanged: () => told.push('anna') })
  kernel.watch({ caller: caller(ben), listsMayHaveChanged: () => told.push('ben') })
  kernel.invalidate({ issuer: 'test', subject: 'ben' })
  assert.deepEqual(told, ['ben'])
  await offer('up', ['c'])
  assert.deepEqual(told, ['ben', 'anna', 'ben'])
  stop()
  kernel.invalidate()
  assert.deepEqual(told.slice(3), ['ben'])
})

const presenting = (apply: Presentation['apply']) =>
  line('p', { present: () => ({ key: '', apply }) })

test('a presentation may drop, reorder and rewrite, and what it drops stays callable', async () => {
  const { kernel, caller, list, call } = await rig({
    tools: { up: ['a', 'b', 'c'] },
    lines: [
      presenting(([, b, c]) => {
        if (b === undefined || c === undefined) return []
        return [c, { ...b, definition: { ...b.definition, description: 'shorter' } }]
      }),
    ],
  })
  assert.deepEqual(await list(), ['up__c', 'up__b'])
  const { text, entries } = (await kernel.list(caller())).tool
  assert.equal(JSON.parse(text)[1].description, 'shorter')
  assert.equal(entries.length, 2)
  assert.equal((await call('up__a')).kind, 'result')
})

test('a presentation cannot list what is not permitted', async () => {
  const { list } = await rig({
    lines: [
      line('f', { listFilter: () => permit('up__a') }),
      presenting((entries) => [
        ...entries,
        ...entries.map((entry) => ({ ...entry, name: 'up__b' })),
        ...entries.map((entry) => ({ ...entry, name: 'made_up' })),
      ]),
    ],
  })
  assert.deepEqual(await list(), ['up__a'])
})

test('a presentation sees the caller’s own candidates', async () => {
  let seen: unknown
  const { list } = await rig({
    tools: { eu: ['x'], us: ['x'] },
    lines: [
      line('merge', {
        arrange: ([first, ...rest]) =>
          first === undefined
            ? []
            : [{ ...first, name: 'x', targets: [first, ...rest].flatMap((one) => one.targets) }],
      }),
      line('f', {
        listFilter: () => ({
          key: '',
          test: (_, { upstream }) => upstream === 'us' || { rule: 'r', reason: 'no' },
        }),
      }),
      presenting((entries) => {
        seen = entries[0]?.candidates.map(({ upstream }) => upstream)
        return entries
      }),
    ],
  })
  assert.deepEqual(await list(), ['x'])
  assert.deepEqual(seen, ['us'])
})

test('a presentation that fails lists nothing', async () => {
  const { list } = await rig({
    lines: [
      presenting(() => {
        throw new Error('no')
      }),
    ],
  })
  await assert.rejects(list(), /plugin p, hook present: no/)
})
