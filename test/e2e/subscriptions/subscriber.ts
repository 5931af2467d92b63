import assert from 'node:assert/strict'
import { type RunningGateway, type Scope, startWith } from '../../fixtures/gateway.ts'
import { type Era, type RawClient, type RawStream, rawClient } from '../../fixtures/raw.ts'

export const UPDATED = 'notifications/resources/updated'
const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId'

/**
 * Who calls is said by `X-User`; anna may read everything, bob nothing with `secret` in its URI. A call of
 * the tool `shut` closes everything that has `closing` in its URI, and `open` opens it again; `hush` closes it
 * without telling anybody that it did.
 */
const RIGHTS = `import { Catalog, definePlugin } from 'mcp-patchbay/sdk'
let shut = false
const principals = new Map()
export default definePlugin({
  name: 'rights', version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  needs: { catalog: Catalog },
  setup: (_config, { catalog }) => {
    const turn = (name, to, tells = true) => ({
      definition: { name, inputSchema: { type: 'object' } },
      call() { shut = to; if (tells) catalog.invalidate(); return { content: [] } },
    })
    return {
      authenticate({ headers }) {
        const subject = headers['x-user'] ?? 'anna'
        if (!principals.has(subject)) principals.set(subject, { issuer: 'rights', subject, claims: {}, scopes: [] })
        return { principal: principals.get(subject) }
      },
      listFilter: ({ principal: { subject } }) => ({
        key: subject + shut,
        until: 0,
        test: ({ kind, name }) =>
          kind === 'tool' ||
          !((subject === 'bob' && name.includes('secret')) || (shut && name.includes('closing'))) ||
          { rule: 'rights', reason: 'not for you' },
      }),
      tools: [turn('shut', true), turn('open', false), turn('hush', true, false)],
    }
  },
})
`

/** A gateway in front of these servers, in which callers have different rights. */
export async function rightful(
  scope: Scope,
  upstreams: object,
  config: object = {},
  surroundings: Parameters<typeof startWith>[2] = {},
): Promise<RunningGateway> {
  const { plugins = [] } = config as { plugins?: object[] }
  const gateway = await startWith(
    scope,
    { upstreams, ...config, plugins: [{ use: './rights.ts' }, ...plugins] },
    { ...surroundings, files: { ...surroundings.files, 'rights.ts': RIGHTS } },
  )
  await gateway.ready()
  return gateway
}

/** A client that is subscribed, as its era does it. */
export interface SubscribedClient {
  readonly client: RawClient
  /** What the gateway agreed to. */
  readonly agreed: readonly string[]
  /** The URI that it is told of next, whatever else is said. */
  next(): Promise<string | undefined>
  /** The next message. */
  message(): Promise<{ method: string; params: Record<string, unknown> }>
  leave(): void
}

/** Subscribes to these, and listens. */
export async function subscribe(
  scope: Scope,
  url: string,
  era: Era,
  uris: readonly string[],
  user = 'anna',
): Promise<SubscribedClient> {
  const client = await rawClient(scope, url, era, { 'x-user': user })
  const agreed: string[] = []
  let stream: RawStream
  if (era === 'legacy') {
    stream = await client.listen()
    for (const uri of uris) {
      const { error } = await request(client, 'resources/subscribe', uri)
      if (error === undefined) agreed.push(uri)
    }
  } else {
    const params = `"notifications":{"resourceSubscriptions":${JSON.stringify(uris)}}`
    stream = await client.open({ method: 'subscriptions/listen', params, id: '"s1"' })
    const first = JSON.parse((await stream.next()) ?? '')
    assert.equal(first.method, 'notifications/subscriptions/acknowledged')
    agreed.push(...first.params.notifications.resourceSubscriptions)
  }
  const message = async () => {
    const said = JSON.parse((await stream.next()) ?? '{}')
    if (era === 'modern' && said.method === UPDATED) {
      assert.equal(said.params._meta[SUBSCRIPTION], 's1')
    } else assert.equal(said.params?._meta?.[SUBSCRIPTION], undefined)
    return said
  }
  return {
    client,
    agreed,
    message,
    async next() {
      let said = await message()
      while (said.method?.endsWith('/list_changed')) said = await message()
      assert.equal(said.method, UPDATED)
      return said.params.uri as string
    },
    leave: () => stream.leave(),
  }
}

/** A request about one URI. @returns its response */
export async function request(client: RawClient, method: string, uri: string) {
  const { messages } = await client.ask({ method, params: `"uri":${JSON.stringify(uri)}` })
  return JSON.parse(messages[0] ?? '') as {
    result?: object
    error?: { code: number; message: string; data: Record<string, unknown> }
  }
}
