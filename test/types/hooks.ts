// What hooks may return, and that what they receive cannot be changed in place.
import { answer, change, definePlugin, deny, type Hooks } from 'mcp-patchbay/sdk'

const configSchema = { type: 'object', additionalProperties: false, properties: {} } as const

/** Every hook with something it may return. */
export const right = definePlugin({
  name: 'right',
  version: '1.0.0',
  phase: 'shape',
  configSchema,
  setup: () => ({
    onRegister: (entry) => [entry, { ...entry, name: `${entry.name}_too` }],
    arrange: (entries) => entries.toReversed(),
    listFilter: ({ principal }) => ({
      key: principal.subject,
      test: (entry, { upstream }) =>
        entry.name === upstream || { rule: 'r', reason: 'why', scopes: ['dev'] },
    }),
    present: async () => ({ key: '', apply: (entries) => entries.slice(0, 10) }),
    beforeCall(call) {
      if (call.args.a === 1) return change({ args: { ...call.args, a: 2 } })
      if (call.args.a === 2) return answer({ content: [] })
      return call.target === undefined ? deny('INVALID', 'no target', { rule: 'r' }) : undefined
    },
    afterCall: async (_call, outcome) =>
      outcome.kind === 'result' ? { ...outcome, result: {} } : undefined,
    authenticate: ({ headers }) =>
      headers.authorization === undefined
        ? undefined
        : { principal: { issuer: 'i', subject: 's', claims: {}, scopes: [] } },
    challenge: () => [{ scheme: 'Bearer', params: { realm: 'r' } }],
    identity: ({ caller }) => caller.principal.subject,
    credentials: async ({ purpose }) => ({ headers: { 'x-purpose': purpose } }),
    refused: () => 'retry',
    observe: (event) => void (event.type === 'list' && event.count),
    routes: (routes) => routes.add({ method: 'GET', path: '/hi', handle: (ctx) => void ctx.body }),
    health: () => ({ ok: true }),
    start: async () => {},
    stop: () => {},
  }),
})

/** Nothing a hook receives can be written to. */
export const reader: Hooks = {
  beforeCall(call) {
    // @ts-expect-error return change({ args }) instead
    call.args = {}
    // @ts-expect-error nor one of the arguments
    call.args.a = 1
    // @ts-expect-error return change({ target }) instead
    call.target = call.candidates[0]
    // @ts-expect-error a caller is what it is
    call.caller.principal.subject = 'root'
    // @ts-expect-error there may be no target yet
    call.target.name
    // @ts-expect-error the gateway's own business
    call.exchange
    return undefined
  },
  afterCall(_call, outcome) {
    // @ts-expect-error return another outcome instead
    outcome.executed = false
    // @ts-expect-error only results have one
    outcome.result
  },
  observe(event) {
    // @ts-expect-error lists have no outcome
    if (event.type === 'list') event.outcome
    // @ts-expect-error no such event
    if (event.type === 'call.begun') return
  },
}

/** What hooks may not return. */
export const wrong: readonly Hooks[] = [
  // @ts-expect-error a test says true or why not
  { listFilter: () => ({ key: '', test: () => false }) },
  // @ts-expect-error a filter needs a key
  { listFilter: () => ({ test: () => true }) },
  // @ts-expect-error a call is denied with deny(), not with false
  { beforeCall: () => false },
  // @ts-expect-error not one of the codes
  { beforeCall: () => deny('NOPE', 'no') },
  // @ts-expect-error arrange is synchronous
  { arrange: async (entries) => entries },
  // @ts-expect-error identity is synchronous
  { identity: async () => 'a' },
  // @ts-expect-error a principal needs all its parts
  { authenticate: () => ({ principal: { subject: 'anna' } }) },
  // @ts-expect-error no such hook
  { afterCal: () => undefined },
  // @ts-expect-error only `retry`
  { refused: () => 'again' },
]

definePlugin({
  name: 'early',
  version: '1.0.0',
  // @ts-expect-error two phases, no third
  phase: 'enrich',
  configSchema,
  setup: () => ({}),
})

// @ts-expect-error a plugin without setup
definePlugin({ name: 'idle', version: '1.0.0', configSchema })

definePlugin({
  name: 'late',
  version: '1.0.0',
  configSchema,
  // @ts-expect-error setup is synchronous: I/O belongs in `start`
  setup: async () => ({}),
})

definePlugin({
  name: 'guarding',
  version: '1.0.0',
  phase: 'guard',
  configSchema,
  // @ts-expect-error guards ask or deny: only shapers change
  setup: () => ({ beforeCall: (call) => change({ args: { ...call.args } }) }),
})

definePlugin({
  name: 'shaping',
  version: '1.0.0',
  phase: 'shape',
  configSchema,
  setup: () => ({ beforeCall: (call) => change({ args: { ...call.args } }) }),
})
