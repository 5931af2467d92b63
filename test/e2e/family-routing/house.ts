import { type RunningGateway, type Scope, startWith } from '../../fixtures/gateway.ts'
import { legacyUpstream, modernUpstream, type RunningUpstream } from '../../fixtures/upstreams.ts'
import { type HttpAnswer, Wire } from '../wire/wire.ts'

export type Era = 'legacy' | 'modern'
export const ERAS: readonly Era[] = ['legacy', 'modern']

/** Knows callers by `X-User`, and keeps upstreams from some of them: user → upstreams that are not for that one. */
const USERS = `import { definePlugin } from 'mcp-patchbay/sdk'
const principals = new Map()
export default definePlugin({
  name: 'users', version: '1.0.0',
  configSchema: {
    type: 'object', additionalProperties: false,
    properties: { hidden: { type: 'object', default: {}, description: 'By user.' } },
  },
  setup: ({ hidden }) => ({
    authenticate({ headers }) {
      const subject = headers['x-user'] ?? 'anna'
      if (!principals.has(subject)) principals.set(subject, { issuer: 'users', subject, claims: {}, scopes: [] })
      return { principal: principals.get(subject) }
    },
    listFilter({ principal: { subject } }) {
      const upstreams = hidden[subject] ?? []
      const key = upstreams.join()
      return { key, test: (_, { upstream }) => !upstreams.includes(upstream) || { rule: 'hidden', reason: 'hidden' } }
    },
  }),
})
`

/** Offers a tool that has the name of a family's. */
const OFFERING = `import { definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'offering', version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    tools: [{
      definition: { name: 'site__add', inputSchema: { type: 'object' } },
      call: () => ({ content: [{ type: 'text', text: 'offered' }] }),
    }],
  }),
})
`

/** A tool as clients list it. */
export interface Listed {
  readonly name: string
  readonly inputSchema: {
    readonly properties: { readonly place?: { readonly enum: readonly string[] } }
    readonly required?: readonly string[]
  }
}

/** A caller in one of the eras. */
export interface Guest {
  tools(): Promise<readonly Listed[]>
  names(): Promise<readonly string[]>
  /** Merged tool, without the family's name → the instances its schema lists. */
  places(): Promise<Readonly<Record<string, readonly string[]>>>
  ask(method: string, params: object): Promise<HttpAnswer>
  /** The text that a call is answered with, be it a result or an error. */
  call(name: string, args?: object): Promise<string>
}

/** A gateway in front of a family of real servers, one of each era. */
export interface House {
  readonly gateway: RunningGateway
  readonly wire: Wire
  /** The legacy member. */
  readonly old: RunningUpstream
  /** The modern member. */
  readonly fresh: RunningUpstream
  guest(era: Era, user?: string): Promise<Guest>
}

/** What a house may have besides. */
export interface HouseOptions {
  /** By upstream, `old` and `fresh` or more: settings beside the URL and the family. */
  readonly upstreams?: Readonly<Record<string, object>>
  readonly hidden?: Readonly<Record<string, readonly string[]>>
  readonly plugins?: readonly object[]
  readonly data?: string
}

/** Starts both members and a gateway that offers them as the family `site`. */
export async function house(scope: Scope, options: HouseOptions = {}): Promise<House> {
  return houseOf(
    scope,
    { old: await legacyUpstream(scope), fresh: await modernUpstream(scope) },
    options,
  )
}

/** Starts a gateway in front of these members. */
export async function houseOf(
  scope: Scope,
  members: Pick<House, 'old' | 'fresh'>,
  { upstreams = {}, hidden = {}, plugins = [], data }: HouseOptions = {},
): Promise<House> {
  const family = { name: 'site', instanceArg: 'place' }
  const { old, fresh, ...others } = upstreams
  const gateway = await startWith(
    scope,
    {
      ...(data === undefined ? {} : { data }),
      admin: { host: '127.0.0.1', port: 0 },
      upstreams: {
        old: { url: members.old.url, family, ...old },
        fresh: { url: members.fresh.url, family, ...fresh },
        ...others,
      },
      plugins: [{ use: './users.ts', config: { hidden } }, { use: 'family-routing' }, ...plugins],
    },
    { files: { 'users.ts': USERS, 'offering.ts': OFFERING } },
  )
  await gateway.ready()
  const wire = new Wire(scope, gateway.url)
  return { gateway, wire, ...members, guest: (era, user) => guestOf(wire, era, user) }
}

async function guestOf(wire: Wire, era: Era, user = 'anna'): Promise<Guest> {
  const own = { 'x-user': user }
  const headers = era === 'legacy' ? { ...own, ...(await wire.session(own)) } : own
  const ask = (method: string, params: object) =>
    wire[era](method, params as Record<string, unknown>, headers)
  const tools = async (): Promise<readonly Listed[]> =>
    (await ask('tools/list', {})).json.result.tools
  return {
    ask,
    tools,
    names: async () => (await tools()).map(({ name }) => name),
    places: async () =>
      Object.fromEntries(
        (await tools()).flatMap(({ name, inputSchema: { properties } }) =>
          properties?.place === undefined
            ? []
            : [[name.replace('site__', ''), properties.place.enum]],
        ),
      ),
    async call(name, args = {}) {
      const { json } = await ask('tools/call', { name, arguments: args })
      return json.result === undefined ? json.error.message : json.result.content[0].text
    },
  }
}
