// Long lists come page by page: whatever comes and goes between two pages, what stays is read exactly once.
import assert from 'node:assert/strict'
import test from 'node:test'
import { type RunningGateway, startWith } from '../../fixtures/gateway.ts'
import { type Era, type RawClient, rawClient } from '../../fixtures/raw.ts'
import { modernUpstream } from '../../fixtures/upstreams.ts'

interface Listed {
  readonly names: readonly string[]
  readonly next: string | undefined
}

async function page(client: RawClient, cursor?: string, method = 'tools/list'): Promise<Listed> {
  const params = cursor === undefined ? '' : `"cursor":${JSON.stringify(cursor)}`
  const { messages } = await client.ask({ method, params })
  const { result } = JSON.parse(messages[0] ?? '')
  const names = result.tools.map((tool: { name: string }) => tool.name)
  return { names, next: result.nextCursor }
}

async function errorOf(client: RawClient, cursor: string, method = 'tools/list') {
  const { messages } = await client.ask({ method, params: `"cursor":${cursor}` })
  return JSON.parse(messages[0] ?? '').error
}

/** Until the catalog has a tool, or has it no more. */
function listed(gateway: RunningGateway, name: string, there = true): Promise<void> {
  const has = () => gateway.catalog?.entries.some((entry) => entry.name === name) === true
  return gateway.until(() => has() === there)
}

for (const era of ['legacy', 'modern'] satisfies Era[]) {
  test(`${era} client: a page boundary neither loses nor repeats what stays`, async (t) => {
    const upstream = await modernUpstream(t)
    const fresh = ['t20', 't11', 't13', 't19', 't12', 't18', 't14', 't17', 't15', 't16']
    for (const name of fresh) upstream.tools.offer(name)
    const gateway = await startWith(t, {
      lists: { pageSize: 4 },
      upstreams: { up: { url: upstream.url, prefix: '', tools: { include: ['t*'] } } },
      plugins: [{ use: 'auth-none' }],
    })
    await gateway.ready()
    const client = await rawClient(t, gateway.url, era)
    const first = await page(client)
    assert.deepEqual(first.names, ['t11', 't12', 't13', 't14'])

    // One that was read goes, with the one that the boundary stands on; some come on both sides of it.
    upstream.tools.withdraw('t12')
    upstream.tools.withdraw('t14')
    upstream.tools.offer('t10')
    upstream.tools.offer('t155')
    await listed(gateway, 't155')
    await listed(gateway, 't14', false)
    const second = await page(client, first.next)
    assert.deepEqual(second.names, ['t15', 't155', 't16', 't17'])

    const third = await page(client, second.next)
    assert.deepEqual(third, { names: ['t18', 't19', 't20'], next: undefined })
    assert.deepEqual(await page(client, first.next), second)
  })

  test(`${era} client: a list that has shrunk to a page meanwhile is read to its end`, async (t) => {
    const upstream = await modernUpstream(t)
    for (const name of ['t1', 't2', 't3', 't4', 't5']) upstream.tools.offer(name)
    const gateway = await startWith(t, {
      lists: { pageSize: 3 },
      upstreams: { up: { url: upstream.url, prefix: '', tools: { include: ['t*'] } } },
      plugins: [{ use: 'auth-none' }],
    })
    await gateway.ready()
    const client = await rawClient(t, gateway.url, era)
    const { next } = await page(client)
    for (const name of ['t1', 't2', 't5']) upstream.tools.withdraw(name)
    await listed(gateway, 't5', false)
    assert.deepEqual(await page(client, next), { names: ['t4'], next: undefined })
    for (const name of ['t4', 't3']) upstream.tools.withdraw(name)
    await listed(gateway, 't3', false)
    assert.deepEqual(await page(client, next), { names: [], next: undefined })
  })

  test(`${era} client: what fits on one page keeps its order, and no made-up cursor is taken`, async (t) => {
    const upstream = await modernUpstream(t)
    for (const name of ['tz', 'ta', 'tm']) upstream.tools.offer(name)
    const gateway = await startWith(t, {
      lists: { pageSize: 3 },
      upstreams: { up: { url: upstream.url, prefix: '', tools: { include: ['t*'] } } },
      plugins: [{ use: 'auth-none' }],
    })
    await gateway.ready()
    const client = await rawClient(t, gateway.url, era)
    assert.deepEqual(await page(client), { names: ['tz', 'ta', 'tm'], next: undefined })

    const ofPrompts = Buffer.from('["prompt","a"]').toString('base64url')
    for (const cursor of ['"x"', '""', '7', 'null', '{}', '"bnVsbA"', JSON.stringify(ofPrompts)]) {
      const { code, message } = await errorOf(client, cursor)
      assert.equal(code, -32602, cursor)
      assert.match(message, /^Invalid cursor/)
    }
    assert.equal(await errorOf(client, JSON.stringify(ofPrompts), 'prompts/list'), undefined)
  })
}
