import { FakeClock } from '../../../sdk/testing/clock.ts'
import { type RunningGateway, type Scope, startWith } from '../../fixtures/gateway.ts'
import { type Stub, stub } from '../upstreams/stub.ts'
import { type HttpAnswer, Wire } from '../wire/wire.ts'

/** Lets in whom `X-User` names, and shows the tools of `people` to anna only. */
const DOOR = `import { definePlugin } from 'mcp-patchbay/sdk'
const principals = new Map()
export default definePlugin({
  name: 'door', version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    authenticate({ headers }) {
      const subject = headers['x-user'] ?? 'anna'
      if (!principals.has(subject)) {
        principals.set(subject, { issuer: 'door', subject, claims: { team: 'blue' }, scopes: [] })
      }
      return { principal: principals.get(subject) }
    },
    listFilter: ({ principal: { subject } }) => ({
      key: subject,
      test: (_entry, { upstream }) => upstream !== 'people' || subject === 'anna' || { rule: 'r', reason: 'r' },
    }),
  }),
})
`

/** A ticket as its server writes it: numbers that JavaScript cannot hold, and text that repeats it. */
export const TICKET = '{"id":9007199254740993,"owner":12345678901234567890,"hours":1.50}'

/** Both eras of clients. */
export const ERAS = ['legacy', 'modern'] as const
/** One of {@link ERAS}. */
export type Era = (typeof ERAS)[number]

/** A gateway that enriches, two real servers behind it, and a client. */
export interface Desk {
  readonly gateway: RunningGateway
  readonly clock: FakeClock
  readonly tickets: Stub
  readonly people: Stub
  /** Calls a tool. @returns the answer once it is there; time passes meanwhile */
  call(name: string, args?: object, user?: string): Promise<HttpAnswer>
}

/** A result as text: `structuredContent` and the text block that repeats it. */
export function both(json: string): string {
  return `{"content":[{"type":"text","text":${JSON.stringify(json)}}],"structuredContent":${json}}`
}

/**
 * Starts it: `tickets__get` answers {@link TICKET}, `people__get` a person.
 * @param era of client and servers
 * @param outputSchema of `tickets__get`; none when left out
 */
export async function desk(
  scope: Scope,
  era: Era,
  rules: readonly object[],
  outputSchema?: object,
): Promise<Desk> {
  const [tickets, people] = [await stub(scope, era), await stub(scope, era)]
  for (const one of [tickets, people]) {
    one.tools = [{ name: 'get', inputSchema: { type: 'object' } }]
  }
  if (outputSchema !== undefined) {
    tickets.tools = [{ name: 'get', inputSchema: { type: 'object' }, outputSchema }]
  }
  answers(tickets, () => both(TICKET))
  answers(people, ({ id }) => both(`{"id":${id},"name":"Ada"}`))
  const clock = new FakeClock()
  const gateway = await startWith(
    scope,
    {
      upstreams: { tickets: { url: tickets.url }, people: { url: people.url } },
      plugins: [{ use: './door.ts' }, { use: 'enrichment', config: { rules } }],
      egress: { allow: ['127.0.0.1'] },
    },
    { files: { 'door.ts': DOOR }, clock },
  )
  await gateway.ready()
  const wire = new Wire(scope, gateway.url)
  const session = era === 'legacy' ? await wire.session() : {}
  const call = async (name: string, args: object = {}, user = 'anna') => {
    // A session belongs to whoever opened it.
    const own =
      era === 'legacy' && user !== 'anna' ? await wire.session({ 'x-user': user }) : session
    const sending = wire[era]('tools/call', { name, arguments: args }, { ...own, 'x-user': user })
    let there = false
    const settled = () => {
      there = true
    }
    sending.then(settled, settled)
    while (!there) {
      await wire.send('GET', {}, undefined, '/live')
      if (!there) clock.advance(25)
    }
    return sending
  }
  return { gateway, clock, tickets, people, call }
}

/** Says what a server's tools answer: the result as text, or `undefined` for nothing at all. */
export function answers(
  server: Stub,
  result: (args: Readonly<Record<string, string>>) => string | undefined,
): void {
  server.acts['tools/call'] = ({ text, message }, response) => {
    // Numbers as they were sent, not as JavaScript reads them.
    const written = /"arguments":(\{[^}]*\})/.exec(text)?.[1] ?? '{}'
    const args = Object.fromEntries(
      [...written.matchAll(/"(\w+)":("[^"]*"|[^,}]+)/g)].map(([, name, value]) => [name, value]),
    )
    const said = result(args)
    if (said === undefined) return
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(`{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":${said}}`)
  }
}
