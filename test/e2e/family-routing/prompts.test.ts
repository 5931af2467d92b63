// Prompts are merged as tools are; completion knows the instances and asks the one that was chosen.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { startWith } from '../../fixtures/gateway.ts'
import { type Stub, stub } from '../upstreams/stub.ts'
import { Wire } from '../wire/wire.ts'
import { ERAS, type Era } from './house.ts'

const REPORT = {
  name: 'report',
  description: 'Reports.',
  arguments: [{ name: 'namespace', required: true }],
}
const CAPABILITIES = { prompts: {}, completions: {} }

async function server(t: TestContext, era: Era, more: readonly object[] = []): Promise<Stub> {
  const made = await stub(t, era)
  made.acts['server/discover'] = () => ({
    supportedVersions: ['2026-07-28'],
    capabilities: CAPABILITIES,
  })
  made.acts.initialize = (_, response) => {
    response.setHeader('mcp-session-id', made.session)
    return { protocolVersion: '2025-11-25', capabilities: CAPABILITIES, serverInfo: {} }
  }
  made.acts['prompts/list'] = () => ({ prompts: [REPORT, ...more] })
  made.acts['prompts/get'] = () => ({ messages: [] })
  made.acts['completion/complete'] = () => ({ completion: { values: [`of ${era}`] } })
  return made
}

async function start(t: TestContext, more: readonly object[] = []) {
  const members = { old: await server(t, 'legacy', more), fresh: await server(t, 'modern') }
  const family = { name: 'site', instanceArg: 'place' }
  const gateway = await startWith(t, {
    upstreams: {
      old: { url: members.old.url, family },
      fresh: { url: members.fresh.url, family },
    },
    plugins: [{ use: 'auth-none' }, { use: 'family-routing' }],
  })
  await gateway.ready()
  const wire = new Wire(t, gateway.url)
  const asker = async (era: Era) => {
    const headers = era === 'legacy' ? await wire.session() : {}
    return async (method: string, params: Record<string, unknown> = {}) =>
      (await wire[era](method, params, headers)).json
  }
  return { ...members, asker }
}

const params = (server: Stub, method: string) =>
  server.of(method).map(({ message }) => message.params ?? {})

for (const era of ERAS) {
  test(`${era} clients get the prompt of the instance they name`, async (t) => {
    const { old, fresh, asker } = await start(t, [{ name: 'mine', arguments: [{ name: 'place' }] }])
    const ask = await asker(era)
    const { result } = await ask('prompts/list')
    const place = { name: 'place', description: 'Which site to use.', required: true }
    assert.deepEqual(result.prompts, [
      { ...REPORT, name: 'site__report', arguments: [...REPORT.arguments, place] },
      { name: 'old__mine', arguments: [{ name: 'place' }] },
    ])
    const got = await ask('prompts/get', {
      name: 'site__report',
      arguments: { place: 'old', namespace: 'a' },
    })
    assert.deepEqual(got.result.messages, [])
    const [sent] = params(old, 'prompts/get')
    assert.deepEqual([sent?.name, sent?.arguments], ['report', { namespace: 'a' }])
    for (const args of [{ namespace: 'a' }, { place: 'elsewhere' }]) {
      const { error } = await ask('prompts/get', { name: 'site__report', arguments: args })
      assert.equal(error.code, -32602)
      assert.match(error.message, /Available of site: fresh, old/)
    }
    assert.deepEqual(params(fresh, 'prompts/get'), [])
  })

  test(`${era} clients complete the instance, and then by the instance`, async (t) => {
    const { old, fresh, asker } = await start(t)
    const ask = await asker(era)
    const complete = async (name: string, value: string, filled?: object) => {
      const { result } = await ask('completion/complete', {
        ref: { type: 'ref/prompt', name: 'site__report' },
        argument: { name, value },
        ...(filled === undefined ? {} : { context: { arguments: filled } }),
      })
      return result.completion.values
    }
    assert.deepEqual(await complete('place', ''), ['fresh', 'old'])
    assert.deepEqual(await complete('place', 'o', { place: 'x' }), ['old'])
    assert.deepEqual(await complete('place', 'x'), [])
    assert.deepEqual(await complete('namespace', 'd'), [])
    assert.deepEqual(await complete('namespace', 'd', { place: 'elsewhere' }), [])
    assert.deepEqual(params(old, 'completion/complete'), [])
    assert.deepEqual(await complete('namespace', 'd', { place: 'old', a: 'b' }), ['of legacy'])
    const [sent] = params(old, 'completion/complete')
    assert.deepEqual(
      [sent?.ref, sent?.argument, sent?.context],
      [
        { type: 'ref/prompt', name: 'report' },
        { name: 'namespace', value: 'd' },
        { arguments: { a: 'b' } },
      ],
    )
    assert.deepEqual(params(fresh, 'completion/complete'), [])
  })
}
