import assert from 'node:assert/strict'
import test from 'node:test'
import { publicUrlOf } from '../../../core/inbound/public-url.ts'
import { startWith } from '../../fixtures/gateway.ts'

const tls = { cert: 'cert.pem', key: 'key.pem' }

test('where clients reach the gateway is what the config says, and nothing where it does not', () => {
  const cases: [Parameters<typeof publicUrlOf>[0], string | undefined][] = [
    [{ host: '127.0.0.1', port: 8080 }, 'http://127.0.0.1:8080'],
    [{ host: '127.0.0.1', port: 80 }, 'http://127.0.0.1'],
    [{ host: 'Gateway.Internal', port: 443, tls }, 'https://gateway.internal'],
    [{ host: '::1', port: 8080 }, 'http://[::1]:8080'],
    [{ host: '127.0.0.1', port: 0 }, undefined],
    [{ host: '0.0.0.0', port: 8080 }, undefined],
    [{ host: '::', port: 8080 }, undefined],
    [{ host: '0.0.0.0', port: 0, publicUrl: 'https://X.example' }, 'https://x.example'],
    [{ host: '0.0.0.0', port: 0, publicUrl: 'https://x.example:443/gw/' }, 'https://x.example/gw'],
  ]
  for (const [listen, url] of cases) assert.equal(publicUrlOf(listen), url, JSON.stringify(listen))
})

test('plugins are told of it, and of the profiles', async (t) => {
  const text = `
    import { definePlugin, Info } from 'mcp-patchbay/sdk'
    export default definePlugin({
      name: 'told', version: '1.0.0',
      configSchema: { type: 'object', additionalProperties: false, properties: {} },
      needs: { info: Info },
      setup: (_, { info: { url, profiles } }) => ({
        routes(routes) {
          routes.add({ method: 'GET', path: '/told', access: 'public', handle(ctx) { ctx.body = { url, profiles } } })
        },
      }),
    })
  `
  const gateway = await startWith(
    t,
    { profiles: { team: {}, ops: {} }, plugins: [{ use: './told.ts' }] },
    { files: { 'told.ts': text }, portNamed: true },
  )
  const { origin } = new URL(gateway.url)
  const told = await (await fetch(`${origin}/told`)).json()
  assert.deepEqual(told, { url: origin, profiles: ['team', 'ops'] })
})
