import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  change,
  definePlugin,
  deny,
  type Entry,
  Info,
  isKind,
  type PermittedEntry,
  type ToolDefinition,
} from 'mcp-patchbay/sdk'
import { type TestOptions, testPlugin } from 'mcp-patchbay/sdk/testing'

const nothing = { type: 'object', additionalProperties: false, properties: {} } as const
const text = (description: string) => ({ type: 'string', description }) as const

/** Upstreams of one family look like one: an argument says which of them is meant. */
const familyRouting = definePlugin({
  name: 'family-routing',
  version: '1.0.0',
  phase: 'shape',
  configSchema: nothing,
  upstreamSettings: {
    key: 'family',
    schema: {
      type: 'object',
      additionalProperties: false,
      required: ['name', 'instanceArg'],
      properties: { name: text('The family.'), instanceArg: text('The argument that chooses.') },
    },
  },
  needs: { info: Info },
  setup(_config, { info }, families) {
    const familyOf = (entry: Entry) =>
      isKind(entry, 'tool') ? families.get(entry.targets[0]?.upstream ?? '') : undefined
    /** The definition with the argument, for these instances. */
    const asking = (definition: ToolDefinition, argument: string, instances: string[]) => {
      const { properties, required, ...schema } = definition.inputSchema
      const choice = { type: 'string', enum: instances, description: 'Which instance.' }
      const others = [required ?? []].flat().filter((one) => one !== argument)
      const inputSchema = {
        ...schema,
        properties: { ...Object(properties), [argument]: choice },
        required: [argument, ...others],
      }
      return { ...definition, inputSchema }
    }
    const instancesOf = (targets: Entry['targets']) => targets.map(({ upstream }) => upstream)
    return {
      arrange(entries) {
        const merged = new Map<string, Entry>()
        // What somebody else is called stays theirs, whoever comes first.
        const taken = new Set(entries.flatMap((one) => (familyOf(one) ? [] : one.name)))
        for (const entry of entries) {
          const family = familyOf(entry)
          if (family === undefined || !isKind(entry, 'tool')) {
            merged.set(`${entry.kind} ${entry.name}`, entry)
            continue
          }
          const common = info.publicName(family.name, entry.targets[0]?.name ?? '')
          const name = taken.has(common) ? entry.name : common
          const before = merged.get(`tool ${name}`)
          const targets = [...(before?.targets ?? []), ...entry.targets]
          const base = before && isKind(before, 'tool') ? before.definition : entry.definition
          const definition = asking(base, family.instanceArg, instancesOf(targets))
          merged.set(`tool ${name}`, { ...entry, name, definition, targets })
        }
        return [...merged.values()]
      },
      present: () => ({
        key: '',
        apply: (entries) =>
          entries.map((entry): PermittedEntry => {
            const argument = familyOf(entry)?.instanceArg
            if (argument === undefined || !isKind(entry, 'tool')) return entry
            const instances = instancesOf(entry.candidates)
            return { ...entry, definition: asking(entry.definition, argument, instances) }
          }),
      }),
      beforeCall({ entry, candidates, args }) {
        const argument = familyOf(entry)?.instanceArg
        if (argument === undefined) return undefined
        const { [argument]: instance, ...others } = args
        const target = candidates.find(({ upstream }) => upstream === instance)
        if (target !== undefined) return change({ target, args: others })
        const known = instancesOf(candidates).join(', ')
        return deny('INVALID', `${argument} must be one of: ${known}`)
      },
    }
  },
})

const family = { name: 'k8s', instanceArg: 'cluster' }
const schema = {
  type: 'object',
  properties: { pod: { type: 'string' } },
  required: ['pod'],
  additionalProperties: false,
}
const get = { name: 'get', description: 'Gets a pod.', inputSchema: schema }
const two: TestOptions = {
  tools: { eu: [get], us: [get, 'drain'], mail: ['get'] },
  upstreams: { eu: { family }, us: { family } },
}

/** Bob may use nothing of the instance `us`, and nobody may drain. */
const policy = definePlugin({
  name: 'policy',
  version: '1.0.0',
  configSchema: nothing,
  setup: () => ({
    listFilter: ({ principal: { subject } }) => ({
      key: subject,
      test: (_entry, { upstream, name }) =>
        (subject === 'bob' && upstream === 'us') || name === 'drain'
          ? { rule: 'policy', reason: 'not for you' }
          : true,
    }),
  }),
})
const judged: TestOptions = { ...two, with: [[policy]] }
const bob = { principal: { subject: 'bob' } }

/** What callers may write for the argument, and what they must write. */
function choices([first]: readonly ToolDefinition[]) {
  assert.ok(first)
  const { properties, required } = first.inputSchema as {
    properties: Record<string, { enum?: string[] }>
    required: string[]
  }
  return { instances: properties.cluster?.enum, names: Object.keys(properties), required }
}

test('tools of one family are one entry with an argument more; others stay as they are', async () => {
  const gateway = await testPlugin(familyRouting, {}, two)
  assert.deepEqual(await gateway.list(), ['k8s__get', 'k8s__drain', 'mail__get'])
  assert.deepEqual(choices(await gateway.tools()), {
    instances: ['eu', 'us'],
    names: ['pod', 'cluster'],
    required: ['cluster', 'pod'],
  })
  await gateway.result('mail__get', { cluster: 'eu' })
  assert.deepEqual(gateway.sent[0]?.args, { cluster: 'eu' })
})

test('a call goes where it says, without the argument that says so', async () => {
  const gateway = await testPlugin(familyRouting, {}, two)
  await gateway.result('k8s__get', { pod: 'a', cluster: 'us' })
  await gateway.result('k8s__get', { pod: 'b', cluster: 'eu' })
  assert.deepEqual(
    gateway.sent.map(({ upstream, name, args }) => [upstream, name, args]),
    [
      ['us', 'get', { pod: 'a' }],
      ['eu', 'get', { pod: 'b' }],
    ],
  )
})

test('an unknown instance, a wrong one and none are refused with those there are', async () => {
  const gateway = await testPlugin(familyRouting, {}, two)
  for (const cluster of ['mail', 'constructor', 1, ['eu'], undefined]) {
    const { code, message } = await gateway.denied('k8s__get', { pod: 'a', cluster })
    assert.equal(code, 'INVALID')
    assert.match(message, /cluster must be one of: eu, us$/)
  }
  // An instance that exists but does not have this tool.
  assert.equal((await gateway.denied('k8s__drain', { cluster: 'eu' })).code, 'INVALID')
  assert.equal(gateway.sent.length, 0)
})

test('a denied candidate is neither shown nor callable nor named', async () => {
  const gateway = await testPlugin(familyRouting, {}, judged)
  assert.deepEqual(choices(await gateway.tools()).instances, ['eu', 'us'])
  assert.deepEqual(choices(await gateway.tools(bob)).instances, ['eu'])
  const { code, message } = await gateway.denied('k8s__get', { cluster: 'us' }, { caller: bob })
  assert.equal(code, 'INVALID')
  assert.doesNotMatch(message, /us$/)
  await gateway.result('k8s__get', { cluster: 'eu' }, { caller: bob })
  await gateway.result('k8s__get', { cluster: 'us' })
  assert.deepEqual(
    gateway.sent.map(({ upstream }) => upstream),
    ['eu', 'us'],
  )
})

test('a tool without any permitted candidate does not exist', async () => {
  const gateway = await testPlugin(familyRouting, {}, judged)
  assert.deepEqual(await gateway.list(), ['k8s__get', 'mail__get'])
  assert.equal((await gateway.denied('k8s__drain', { cluster: 'us' })).code, 'NOT_FOUND')
})

test('whoever is left with one candidate must still name it, and no other is guessed', async () => {
  const gateway = await testPlugin(familyRouting, {}, judged)
  assert.equal((await gateway.denied('k8s__get', {}, { caller: bob })).code, 'INVALID')
})

test('the order in which upstreams answer makes no difference', async () => {
  const gateway = await testPlugin(familyRouting, {}, two)
  const late = await testPlugin(
    familyRouting,
    {},
    { ...two, tools: { eu: null, us: null, mail: null } },
  )
  await late.offer('mail', ['get'])
  await late.offer('us', [get, 'drain'])
  assert.deepEqual(choices(await late.tools()).instances, ['us'])
  await late.offer('eu', [get])
  assert.deepEqual(await late.tools(), await gateway.tools())
})

test('a name that somebody else has stays theirs; the family goes by its own names', async () => {
  for (const tools of [
    { k8s: ['get'], eu: [get], us: [get] },
    { eu: [get], us: [get], k8s: ['get'] },
  ]) {
    const gateway = await testPlugin(familyRouting, {}, { ...two, tools })
    assert.deepEqual((await gateway.list()).sort(), ['eu__get', 'k8s__get', 'us__get'])
    await gateway.result('k8s__get', { cluster: 'eu' })
    await gateway.result('eu__get', { cluster: 'eu' })
    assert.deepEqual(
      gateway.sent.map(({ upstream }) => upstream),
      ['k8s', 'eu'],
    )
  }
})

test('a filter that comes to mind between two calls counts at once', async () => {
  let closed = false
  const changing = definePlugin({
    ...policy,
    setup: () => ({
      listFilter: () => ({
        key: String(closed),
        test: (_entry, { upstream }) =>
          closed && upstream === 'us' ? { rule: 'closed', reason: 'closed' } : true,
      }),
    }),
  })
  const gateway = await testPlugin(familyRouting, {}, { ...two, with: [[changing]] })
  await gateway.result('k8s__get', { cluster: 'us' })
  assert.deepEqual(choices(await gateway.tools()).instances, ['eu', 'us'])
  closed = true
  gateway.invalidate()
  assert.equal((await gateway.denied('k8s__get', { cluster: 'us' })).code, 'INVALID')
  assert.deepEqual(choices(await gateway.tools()).instances, ['eu'])
})
