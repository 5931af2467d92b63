import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import test from 'node:test'
import { legacyUpstream, modernUpstream } from '../../fixtures/upstreams.ts'
import { drive, trouble } from '../upstreams/gateway.ts'
import { guarded, sseServer } from './guarded.ts'

const SECRETS = ['token-of-crm', 'key-of-crm', 'value of crm', 'pässwörd']
const MODES: Record<string, { auth: object; takes: (headers: IncomingHttpHeaders) => boolean }> = {
  bearer: {
    auth: { mode: 'bearer', token: 'token-of-crm' },
    takes: ({ authorization }) => authorization === 'Bearer token-of-crm',
  },
  api_key: {
    auth: { mode: 'api_key', key: 'key-of-crm' },
    takes: (headers) => headers['x-api-key'] === 'key-of-crm',
  },
  header: {
    auth: { mode: 'header', name: 'X-Crm', value: 'value of crm' },
    takes: (headers) => headers['x-crm'] === 'value of crm',
  },
  basic: {
    auth: { mode: 'basic', username: 'anna', password: 'pässwörd' },
    takes: ({ authorization = '' }) =>
      authorization === `Basic ${Buffer.from('anna:pässwörd').toString('base64')}`,
  },
}
const SERVERS = {
  modern: async (t: test.TestContext) => (await modernUpstream(t)).url,
  legacy: async (t: test.TestContext) => (await legacyUpstream(t)).url,
  'HTTP+SSE': sseServer,
}

for (const [server, start] of Object.entries(SERVERS)) {
  for (const [mode, { auth, takes }] of Object.entries(MODES)) {
    test(`${mode} opens a ${server} server with every request, and no other setting does`, async (t) => {
      const inner = await start(t)
      const door = await guarded(t, inner, (headers) =>
        takes(headers) ? undefined : { status: 401 },
      )
      const plugins = [{ use: 'upstream-auth' }]
      const gateway = await drive(t, { crm: { url: door.url, auth } }, { plugins })
      await gateway.ready()
      const { result } = await gateway.call('crm__echo', { args: { text: 'hi' } })
      assert.equal(result?.content[0]?.text, 'hi')
      assert.equal(door.refused, 0)
      const without = await drive(t, { crm: { url: door.url } }, { plugins })
      await without.until(() => without.status().crm?.state === 'auth-required')
    })
  }
}

test('what is refused later is told with the setting to look at, and never with the secret', async (t) => {
  const { url } = await modernUpstream(t)
  const upstreams: Record<string, object> = {}
  const doors = []
  for (const [mode, { auth, takes }] of Object.entries(MODES)) {
    const door = await guarded(t, url, (headers) => (takes(headers) ? undefined : { status: 401 }))
    doors.push(door)
    upstreams[mode] = { url: door.url, auth }
  }
  const gateway = await drive(t, upstreams, { plugins: [{ use: 'upstream-auth' }], level: 'trace' })
  await gateway.ready()
  const told: string[] = []
  const settings = { bearer: 'token', api_key: 'key', header: 'value', basic: 'password' }
  for (const door of doors) door.door = () => ({ status: 401 })
  for (const [mode, setting] of Object.entries(settings)) {
    const text = trouble(await gateway.call(`${mode}__echo`))
    assert.match(text, new RegExp(`upstreams\\.${mode}\\.auth\\.${setting}`))
    told.push(text)
  }
  gateway.clock.advance(5 * 60_000)
  await gateway.until(() =>
    Object.values(gateway.status()).every(({ state }) => state === 'auth-required'),
  )
  for (const [mode, setting] of Object.entries(settings)) {
    const { error, httpStatus } = gateway.status()[mode] ?? {}
    assert.match(
      error ?? '',
      new RegExp(`upstreams\\.${mode}\\.auth\\.${setting}.*correct it`, 's'),
    )
    assert.equal(httpStatus, 401)
  }
  const all = JSON.stringify([told, gateway.status(), gateway.log])
  const secrets = [...SECRETS, Buffer.from('anna:pässwörd').toString('base64')]
  for (const one of secrets) assert.ok(!all.includes(one), one)
  for (const door of doors) door.door = () => undefined
  await gateway.passUntil(() =>
    Object.values(gateway.status()).every(({ state }) => state === 'ready'),
  )
})

test('403 is told as what it is: nobody else would be let in sooner', async (t) => {
  const { url } = await modernUpstream(t)
  const door = await guarded(t, url, () => undefined)
  const auth = { mode: 'bearer', token: 'token-of-crm' }
  const plugins = [{ use: 'upstream-auth' }]
  const gateway = await drive(t, { crm: { url: door.url, auth } }, { plugins })
  await gateway.ready()
  door.door = () => ({ status: 403 })
  assert.match(trouble(await gateway.call('crm__echo')), /crm forbids this to whoever/)
})
