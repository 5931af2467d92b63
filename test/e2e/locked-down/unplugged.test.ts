// The matrix would notice: with a guard taken out of the recipe, it finds what is no longer guarded.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startWith } from '../../fixtures/gateway.ts'
import { Wire } from '../wire/wire.ts'
import { keyOf, recipe, scene } from './matrix.ts'
import { ERAS, wrongs } from './visit.ts'

const MISSED = {
  permissions: /^anna used files__write_file: /,
  denylist: /^root used crm__delete_customer: /,
}

for (const [guard, missed] of Object.entries(MISSED)) {
  test(`seeds 7.30: without ${guard} the matrix is not what the recipe says`, async (t) => {
    const all = await scene(t, [guard])
    for (const era of ERAS) {
      const found = await wrongs(t, all, '/mcp', era)
      assert.ok(
        found.some((one) => missed.test(one)),
        `${era}: ${found.join('\n')}`,
      )
    }
  })
}

test('seeds 7.30: without rate-limit nobody is stopped who calls too often', async (t) => {
  for (const without of [[], ['rate-limit']]) {
    const all = await scene(t, without)
    const [anna] = all.keys
    const wire = new Wire(t, all.gateway.url)
    const headers = { 'x-api-key': keyOf(anna as (typeof all.keys)[number]) }
    const call = async (name: string) =>
      (await wire.modern('tools/call', { name, arguments: {} }, headers)).json.result.isError
    // What is refused before it counts takes nothing.
    for (let n = 0; n < 70; n++) {
      await wire.modern('tools/call', { name: 'crm__purge_all', arguments: {} }, headers)
    }
    for (let n = 0; n < 60; n++) assert.notEqual(await call('crm__search_customers'), true)
    assert.equal(await call('crm__search_customers'), without.length === 0 ? true : undefined)
  }
})

test('seeds 7.30: without who knows callers nobody gets in', async (t) => {
  const all = await scene(t, ['auth-api-key'])
  const answer = await fetch(all.gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
  })
  assert.equal(answer.status, 401)
})

test('seeds 7.31: a typo in what guards refuses to start, and says where', async (t) => {
  const read = recipe() as ReturnType<typeof recipe> & { upstreams: object }
  const typos: [use: string, wrong: object, message: RegExp][] = [
    ['permissions', { scopeMode: 'evry' }, /config\.scopeMode.*must be one of any, all/],
    ['permissions', { stepUp: 'flase' }, /config\.stepUp/],
    ['permissions', { denny: [] }, /config\.denny.*did you mean "deny"/],
    ['permissions', { defaultProfile: 'staf' }, /there is no profile staf/],
    [
      'denylist',
      { presets: ['infrastucture'] },
      /config\.presets\[0\].*must be one of infrastructure/,
    ],
  ]
  for (const [use, wrong, message] of typos) {
    const plugins = read.plugins.map((line) =>
      line.use === use ? { ...line, config: { ...(line.config as object), ...wrong } } : line,
    )
    await assert.rejects(startWith(t, { ...read, upstreams: read.upstreams, plugins }), { message })
  }
  const modes: object[] = [{ mode: 'enforced' }, { onFailure: 'deney' }, { enabled: 'off' }]
  for (const wrong of modes) {
    const plugins = read.plugins.map((line) => ({ ...line, ...wrong }))
    await assert.rejects(
      startWith(t, { ...read, plugins }),
      /plugins\[0\]\.(?:mode|onFailure|enabled)/,
    )
  }
})
