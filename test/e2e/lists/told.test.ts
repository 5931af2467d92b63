// Whatever changes a list (a policy, time, a login, a server's health), those whose list it is are told once.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { type RunningGateway, startWith } from '../../fixtures/gateway.ts'
import { type Stub, stub } from '../upstreams/stub.ts'
import { type Sending, Wire } from '../wire/wire.ts'

/** Lets everybody in by `X-User`, and does what its own tool is told. */
const STEER = `import { Catalog, Clock, definePlugin } from 'mcp-patchbay/sdk'
const denied = new Map()
const accounts = new Set()
const principals = new Map()
let until
export default definePlugin({
  name: 'steer', version: '1.0.0', phase: 'guard',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  needs: { catalog: Catalog, clock: Clock },
  setup: (_, { catalog, clock }) => ({
    authenticate({ headers }) {
      const subject = headers['x-user'] ?? 'operator'
      if (!principals.has(subject)) principals.set(subject, { issuer: 'steer', subject, claims: {}, scopes: [] })
      return { principal: principals.get(subject) }
    },
    listFilter({ principal: { subject } }) {
      const open = until?.subject === subject && clock.now() >= until.at
      const no = open ? '' : denied.get(subject) ?? ''
      const key = subject + no
      return { key, until: until?.at, test: (entry) => entry.name !== no || { rule: 'no' } }
    },
    identity: ({ upstream, caller }) =>
      upstream === 'up' && accounts.has(caller.principal.subject) ? caller.principal.subject : undefined,
    credentials: ({ caller }) =>
      caller !== undefined && accounts.has(caller.principal.subject)
        ? { headers: { authorization: 'Bearer ' + caller.principal.subject } } : undefined,
    tools: [{
      definition: { name: 'steer', inputSchema: { type: 'object' } },
      call({ args: { user, deny, login, after, all } }) {
        if (deny !== undefined) denied.set(user, deny)
        if (after !== undefined) until = { subject: user, at: clock.now() + after }
        if (login === true) accounts.add(user)
        catalog.invalidate(all === true ? undefined : { issuer: 'steer', subject: user })
        return { content: [] }
      },
    }],
  }),
})
`

interface House {
  readonly gateway: RunningGateway
  readonly clock: FakeClock
  steer(args: object): Promise<void>
  names(user: string): Promise<string[]>
  /** Opens a stream of the user's, in either era. */
  listen(user: string, era: 'legacy' | 'modern'): Promise<Sending>
}

async function house(t: TestContext, upstream: Stub, config: object = {}): Promise<House> {
  const clock = new FakeClock()
  const gateway = await startWith(
    t,
    {
      upstreams: { up: { url: upstream.url, prefix: '', ...config } },
      plugins: [{ use: './steer.ts' }],
    },
    { clock, files: { 'steer.ts': STEER } },
  )
  await gateway.ready()
  const wire = new Wire(t, gateway.url)
  return {
    gateway,
    clock,
    async steer(args) {
      const { json } = await wire.modern('tools/call', { name: 'steer', arguments: args })
      assert.deepEqual(json.result?.content, [], JSON.stringify(json))
    },
    async names(user) {
      const { json } = await wire.modern('tools/list', {}, { 'x-user': user })
      return json.result.tools.map(({ name }: { name: string }) => name)
    },
    async listen(user, era) {
      const headers = { 'x-user': user, accept: 'text/event-stream, application/json' }
      if (era === 'legacy') {
        const session = await wire.session(headers)
        const stream = wire.begin('GET', { ...headers, ...session }, undefined)
        // Nothing says that it is open: a request behind it has been answered.
        await wire.legacy('ping', {}, { ...headers, ...session })
        return stream
      }
      const notifications = { toolsListChanged: true, promptsListChanged: true }
      const stream = wire.beginModern('subscriptions/listen', { notifications }, headers)
      await stream.seen('acknowledged')
      return stream
    },
  }
}

const CHANGED = 'notifications/tools/list_changed'

/** What streams told until the gateway ended them, without what opens and ends them. */
async function told({ gateway }: House, ...streams: readonly Sending[]): Promise<string[][]> {
  await gateway.stop()
  const methods = streams.map(async ({ answer, heard }) => {
    await answer.catch(() => {})
    return heard().flatMap(({ method }) =>
      method === undefined || /acknowledged/.test(method) ? [] : [method],
    )
  })
  return Promise.all(methods)
}

for (const era of ['legacy', 'modern'] as const) {
  test(`${era} clients: of a policy that changed hear those whose list it changed`, async (t) => {
    const h = await house(t, await stub(t))
    const anna = await h.listen('anna', era)
    const ben = await h.listen('ben', era)
    await h.steer({ user: 'ben', deny: 'write', all: true })
    await ben.seen(CHANGED)
    assert.deepEqual(await h.names('ben'), ['look', 'steer'])
    // Asked anew, and nothing is different; asked about somebody else; asked about what is not there.
    await h.steer({ user: 'ben', deny: 'write', all: true })
    await h.steer({ user: 'carl', deny: 'write' })
    await h.steer({ user: 'anna', deny: 'none' })
    assert.deepEqual(await h.names('anna'), ['look', 'write', 'steer'])
    assert.deepEqual(await told(h, anna, ben), [[], [CHANGED]])
  })

  test(`${era} clients: of a policy that ends by time they hear within 15 s`, async (t) => {
    const h = await house(t, await stub(t), { refresh: '0s' })
    await h.steer({ user: 'ben', deny: 'write' })
    await h.steer({ user: 'ben', after: 20_000, all: true })
    const anna = await h.listen('anna', era)
    const ben = await h.listen('ben', era)
    assert.deepEqual(await h.names('ben'), ['look', 'steer'])
    h.clock.advance(16_000)
    assert.deepEqual(await h.names('ben'), ['look', 'steer'])
    h.clock.advance(16_000)
    await ben.seen(CHANGED)
    assert.deepEqual(await h.names('ben'), ['look', 'write', 'steer'])
    h.clock.advance(16_000)
    assert.deepEqual(await told(h, anna, ben), [[], [CHANGED]])
  })

  test(`${era} clients: of what a login brings hears who logged in`, async (t) => {
    const upstream = await stub(t)
    const tool = (name: string) => ({ name, inputSchema: { type: 'object' } })
    upstream.acts['tools/list'] = ({ headers }) => ({
      tools: headers.authorization === 'Bearer ben' ? [tool('look'), tool('own')] : [tool('look')],
    })
    const h = await house(t, upstream)
    const anna = await h.listen('anna', era)
    const ben = await h.listen('ben', era)
    await h.steer({ user: 'ben', login: true })
    await ben.seen(CHANGED)
    assert.deepEqual(await h.names('ben'), ['look', 'own', 'steer'])
    assert.deepEqual(await h.names('anna'), ['look', 'steer'])
    assert.deepEqual(await told(h, anna, ben), [[], [CHANGED]])
  })

  test(`${era} clients: of a server that is hidden they hear once, and once of its return`, async (t) => {
    const upstream = await stub(t)
    const h = await house(t, upstream, { whenDown: 'hide', grace: '3s', refresh: '60s' })
    const anna = await h.listen('anna', era)
    upstream.acts['tools/list'] = (_, response) => void response.writeHead(502).end()
    const passUntil = async (holds: () => boolean) => {
      while (!holds()) {
        h.clock.advance(250)
        await new Promise(setImmediate)
      }
    }
    const count = () => anna.heard().filter(({ method }) => method === CHANGED).length
    await passUntil(() => h.gateway.status().up?.state === 'down')
    assert.equal(count(), 0)
    await passUntil(() => count() === 1)
    assert.deepEqual(await h.names('anna'), ['steer'])
    delete upstream.acts['tools/list']
    await passUntil(() => h.gateway.status().up?.state === 'ready')
    await passUntil(() => count() === 2)
    assert.deepEqual(await h.names('anna'), ['look', 'write', 'steer'])
    assert.deepEqual(await told(h, anna), [[CHANGED, CHANGED]])
  })
}
