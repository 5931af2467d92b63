import {
  type RunningGateway,
  type Scope,
  type Surroundings,
  startWith,
} from '../../fixtures/gateway.ts'
import { type Stub, stubUpstream } from './stub.ts'
import { Wire } from './wire.ts'

/**
 * Does what the request says: a guard that denies before (`args.deny`) and after (`args.after`) the call,
 * and an auth plugin that takes `X-User` for the caller and `X-Deny` for a refusal.
 */
const STEER = `import { definePlugin, deny } from 'mcp-patchbay/sdk'
const one = (said) => said === undefined ? undefined : deny(said.code, said.message ?? 'no', said.data)
const principals = new Map()
export default definePlugin({
  name: 'steer', version: '1.0.0', phase: 'guard',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({
    authenticate({ headers }) {
      if (headers['x-deny']) return one(JSON.parse(headers['x-deny']))
      const subject = headers['x-user'] ?? 'anna'
      if (!principals.has(subject)) {
        principals.set(subject, { issuer: 'steer', subject, claims: {}, scopes: [] })
      }
      return { principal: principals.get(subject) }
    },
    challenge(_request, denial) {
      const scope = (denial.scopes ?? []).join(' ')
      return { scheme: 'Bearer', params: scope === '' ? {} : { error: 'insufficient_scope', scope } }
    },
    beforeCall: ({ args }) => one(args.deny),
    afterCall: ({ args }) => one(args.after),
  }),
})
`

const OTHER = `import { definePlugin } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'other', version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({ challenge: () => [{ scheme: 'ApiKey', params: { hint: 'say "please"' } }] }),
})
`

/** A gateway in front of the stub, its connection, and the stub. */
export interface Steered {
  readonly gateway: RunningGateway
  readonly wire: Wire
  readonly stub: Stub
}

/** Starts a gateway that does what requests say. @param config added to the config */
export async function steered(
  scope: Scope,
  config: object = {},
  surroundings: Surroundings = {},
): Promise<Steered> {
  const stub = await stubUpstream(scope)
  const gateway = await startWith(
    scope,
    {
      upstreams: { up: { url: stub.url, prefix: '' } },
      plugins: [{ use: './steer.ts' }, { use: './other.ts' }],
      ...config,
    },
    { ...surroundings, files: { 'steer.ts': STEER, 'other.ts': OTHER, ...surroundings.files } },
  )
  await gateway.ready()
  return { gateway, stub, wire: new Wire(scope, gateway.url) }
}
