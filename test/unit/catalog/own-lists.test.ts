import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ArchivedList } from '../../../core/catalog/ports.ts'
import type { Hooks } from '../../../sdk/index.ts'
import type { OwnTools, TestTool } from '../../../sdk/testing/upstream.ts'
import { line, type Rig, rig, type Setting, settled } from '../kernel/kernel.ts'

const MINUTE = 60_000
/** Everybody has an account of their own at `crm`, and none at `docs`. */
const accounts: Hooks = {
  identity: ({ upstream, caller }) => (upstream === 'crm' ? caller.principal.subject : ''),
}
const anna = { principal: { subject: 'anna' } }
const bert = { principal: { subject: 'bert' } }

/** A kernel whose `crm` lists what `own` says, and counts how often it was asked. */
async function accountsRig(own: OwnTools, setting: Setting = {}) {
  const asked: string[] = []
  const counting: OwnTools = (upstream, identity) => {
    asked.push(`${upstream} ${identity}`)
    return own(upstream, identity)
  }
  const tools = { crm: null, docs: ['read'] }
  const lines = [line('accounts', accounts), ...(setting.lines ?? [])]
  return { ...(await rig({ tools, ...setting, lines, ownTools: counting })), asked }
}

/** Lists, lets what that began come to its end, and lists again. */
async function twice({ list }: Rig, parts: Parameters<Rig['list']>[0]) {
  const first = await list(parts)
  await settled()
  return [first, await list(parts)]
}

test('each identity sees what the server lists for it, and nobody else does', async () => {
  const own: OwnTools = (_, identity) => (identity === 'anna' ? ['mine', 'both'] : ['both'])
  const one = await accountsRig(own)
  assert.deepEqual(await twice(one, anna), [
    ['docs__read'],
    ['crm__mine', 'crm__both', 'docs__read'],
  ])
  assert.deepEqual(await twice(one, bert), [['docs__read'], ['crm__both', 'docs__read']])
  const as = (parts: typeof anna) => one.callAs(parts, 'crm__mine')
  assert.equal((await as(anna)).kind, 'result')
  const refused = await as(bert)
  assert.equal(refused.kind === 'denial' && refused.code, 'NOT_FOUND')
  assert.deepEqual(one.asked, ['crm anna', 'crm bert'])
})

test('a call to what nobody has listed yet waits for the list', async () => {
  const one = await accountsRig(() => ['mine'])
  const calls = [one.callAs(anna, 'crm__mine'), one.callAs(anna, 'crm__mine')]
  for (const { kind } of await Promise.all(calls)) assert.equal(kind, 'result')
  assert.deepEqual(one.asked, ['crm anna'])
  const missing = await one.callAs(anna, 'crm__other')
  assert.equal(missing.kind === 'denial' && missing.code, 'NOT_FOUND')
})

test('a server that cannot be listed for somebody is asked again, but not at once', async () => {
  let works = false
  const one = await accountsRig(() => (works ? ['mine'] : undefined))
  assert.equal((await one.callAs(anna, 'crm__mine')).kind, 'denial')
  works = true
  assert.equal((await one.callAs(anna, 'crm__mine')).kind, 'denial')
  one.clock.advance(30_001)
  assert.equal((await one.callAs(anna, 'crm__mine')).kind, 'result')
  assert.deepEqual(one.asked, ['crm anna', 'crm anna'])
})

test('until it has a list of its own an identity sees what the server shows to anybody', async () => {
  let works = false
  const own: OwnTools = () => (works ? ['mine'] : undefined)
  const one = await accountsRig(own, { tools: { crm: ['public'] } })
  assert.deepEqual(await twice(one, anna), [['crm__public'], ['crm__public']])
  works = true
  one.clock.advance(30_001)
  assert.deepEqual(await twice(one, anna), [['crm__public'], ['crm__mine']])
})

test('what it shows to the gateway’s own credentials is not shown to an identity', async () => {
  const one = await accountsRig(() => undefined, { tools: { crm: null } })
  await one.kernel.catalog.update('crm', [], true)
  await one.offer('crm', ['public'])
  await one.kernel.catalog.update('crm', one.listed(['internal']), false)
  assert.deepEqual(await one.list(anna), [])
})

test('an old list is served while it is read again, and who watches is told if it changed', async () => {
  let tools: readonly TestTool[] = ['old']
  const one = await accountsRig(() => tools)
  await twice(one, anna)
  await twice(one, bert)
  const told: string[] = []
  for (const parts of [anna, bert]) {
    const caller = one.caller(parts)
    const listsMayHaveChanged = () => void told.push(caller.principal.subject)
    one.kernel.watch({ caller, listsMayHaveChanged })
  }
  one.clock.advance(5 * MINUTE + 1)
  assert.deepEqual(await twice(one, anna), [
    ['crm__old', 'docs__read'],
    ['crm__old', 'docs__read'],
  ])
  assert.deepEqual(told, [])
  tools = ['new']
  one.clock.advance(5 * MINUTE + 1)
  assert.deepEqual(await twice(one, anna), [
    ['crm__old', 'docs__read'],
    ['crm__new', 'docs__read'],
  ])
  assert.deepEqual(told, ['anna'])
  one.kernel.catalog.refresh('crm')
  assert.deepEqual((await twice(one, bert))[1], ['crm__new', 'docs__read'])
  assert.deepEqual(told, ['anna', 'bert'])
})

test('what is told of one principal to `invalidate` is forgotten and read anew; others keep theirs', async () => {
  const { archive, stored } = memoryArchive()
  const one = await accountsRig(() => ['mine'], { archive })
  await twice(one, anna)
  await twice(one, bert)
  assert.deepEqual([...stored.keys()], ['crm anna', 'crm bert'])
  one.kernel.invalidate(one.caller(anna).principal)
  await settled()
  assert.deepEqual([...stored.keys()], ['crm bert'])
  assert.deepEqual(await one.list(anna), ['docs__read'])
  assert.deepEqual(await one.list(bert), ['crm__mine', 'docs__read'])
  await settled()
  assert.deepEqual(one.asked, ['crm anna', 'crm bert', 'crm anna'])
})

test('after a restart lists come from the archive, fresh ones without asking the server', async () => {
  const { archive, stored } = memoryArchive()
  const before = await accountsRig(() => ['mine'], { archive })
  await twice(before, anna)
  const after = await accountsRig(() => ['newer'], { archive })
  assert.equal((await after.callAs(anna, 'crm__mine')).kind, 'result')
  assert.deepEqual(after.asked, [])
  const [kept] = stored.values()
  stored.set('crm anna', { ...(kept as ArchivedList), at: 0 })
  const later = await accountsRig(() => ['newer'], { archive })
  later.clock.advance(10 * MINUTE)
  assert.deepEqual((await twice(later, anna))[1], ['crm__newer', 'docs__read'])
  assert.deepEqual(later.asked, ['crm anna'])
})

test('a principal that is told to `invalidate` gets nothing of the archive, also when nobody read it since the start', async () => {
  const { archive } = memoryArchive()
  await twice(await accountsRig(() => ['mine'], { archive }), anna)
  const after = await accountsRig(() => undefined, { archive })
  after.kernel.invalidate({ issuer: 'test', subject: 'anna' })
  assert.deepEqual((await twice(after, anna))[1], ['docs__read'])
  assert.deepEqual(after.asked, ['crm anna'])
})

test('a list that is told to be old while it is read is read again', async () => {
  let now = ['old']
  let answer: (() => void) | undefined
  const held = new Promise<void>((resolve) => {
    answer = resolve
  })
  const one = await accountsRig(async () => {
    const tools = now
    await held
    return tools
  })
  await one.list(anna)
  now = ['new']
  await settled()
  one.kernel.catalog.refresh('crm')
  answer?.()
  await settled()
  assert.deepEqual((await twice(one, anna))[1], ['crm__new', 'docs__read'])
  assert.deepEqual(one.asked, ['crm anna', 'crm anna'])
})

test('a list that arrives after its principal was told to `invalidate` does not come back', async () => {
  const { archive, stored } = memoryArchive()
  let answer: (() => void) | undefined
  const held = new Promise<void>((resolve) => {
    answer = resolve
  })
  let loggedIn = true
  const own: OwnTools = async () => {
    if (!loggedIn) return undefined
    await held
    return ['mine']
  }
  const one = await accountsRig(own, { archive })
  await one.list(anna)
  await settled()
  loggedIn = false
  one.kernel.invalidate({ issuer: 'test', subject: 'anna' })
  answer?.()
  assert.deepEqual((await twice(one, anna))[1], ['docs__read'])
  assert.equal(stored.size, 0)
})

test('identities with equal lists share one catalog, arranged once', async () => {
  let arranged = 0
  const arranging = line('arranging', {
    arrange(entries) {
      arranged++
      return entries
    },
  })
  const one = await accountsRig(() => ['same'], { lines: [arranging] })
  await twice(one, anna)
  const before = arranged
  await twice(one, bert)
  assert.equal(arranged, before)
  assert.equal(one.kernel.catalog.of(one.caller(anna)), one.kernel.catalog.of(one.caller(bert)))
})

test('onRegister judges the lists of single identities too', async () => {
  const strict = line('strict', {
    onRegister: (entry) => (entry.name === 'crm__evil' ? [] : undefined),
  })
  const one = await accountsRig(() => ['good', 'evil'], { lines: [strict] })
  assert.deepEqual((await twice(one, anna))[1], ['crm__good', 'docs__read'])
  assert.equal((await one.callAs(anna, 'crm__evil')).kind, 'denial')
})

test('an `identity` that fails refuses the caller, and nobody reads somebody else’s list', async () => {
  const broken = line('broken', {
    identity() {
      throw new Error('no')
    },
  })
  const { call, kernel, caller } = await rig({ tools: { up: ['a'] }, lines: [broken] })
  const outcome = await call('up__a')
  assert.equal(outcome.kind === 'failure' && outcome.code, 'PLUGIN_FAILED')
  assert.throws(() => kernel.list(caller()), /plugin broken, hook identity/)
})

function memoryArchive() {
  const stored = new Map<string, ArchivedList>()
  const archive = {
    load: async (upstream: string, identity: string) => stored.get(`${upstream} ${identity}`),
    save: async (upstream: string, identity: string, list: ArchivedList) =>
      void stored.set(`${upstream} ${identity}`, list),
    remove: async (upstream: string, identity: string) =>
      void stored.delete(`${upstream} ${identity}`),
  }
  return { archive, stored }
}

test('an identity that thousands share is forgotten with any of them', async () => {
  const shared = line('shared', { identity: ({ upstream }) => (upstream === 'crm' ? 'all' : '') })
  const asked: string[] = []
  const ownTools: OwnTools = (_, identity) => {
    asked.push(identity)
    return ['ours']
  }
  const tools = { crm: null, docs: ['read'] }
  const { kernel, caller, list } = await rig({ tools, lines: [shared], ownTools })
  for (let i = 0; i < 1_001; i++) kernel.catalog.of(caller({ principal: { subject: `s${i}` } }))
  await settled()
  assert.deepEqual(asked, ['all'])
  kernel.invalidate({ issuer: 'test', subject: 's1000' })
  await list({ principal: { subject: 's0' } })
  await settled()
  assert.deepEqual(asked, ['all', 'all'])
})

test('a list that plugins still judge when it is dropped is not archived', async () => {
  const { archive, stored } = memoryArchive()
  let judge: (() => void) | undefined
  const slow = line('slow', {
    onRegister: (entry) =>
      entry.name === 'crm__mine'
        ? new Promise<undefined>((resolve) => {
            judge = () => resolve(undefined)
          })
        : undefined,
  })
  let loggedIn = true
  const own: OwnTools = () => (loggedIn ? ['mine'] : undefined)
  const one = await accountsRig(own, { archive, lines: [slow] })
  await one.list(anna)
  await settled()
  loggedIn = false
  one.kernel.invalidate({ issuer: 'test', subject: 'anna' })
  judge?.()
  await settled()
  assert.equal(stored.size, 0)
  assert.deepEqual((await twice(one, anna))[1], ['docs__read'])
})
