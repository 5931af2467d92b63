/** A plugin that does what a call's `act` says, and denies the call. */
export const OPERATOR = {
  plugin: { use: './operator.ts' },
  files: {
    'operator.ts': `
import { Catalog, definePlugin, deny, Upstreams } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'operator',
  version: '1.0.0',
  phase: 'guard',
  needs: { catalog: Catalog, upstreams: Upstreams },
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: (_config, { catalog, upstreams }) => ({
    async beforeCall({ args, caller }) {
      if (args.act === undefined) return undefined
      if (args.act === 'log out') catalog.invalidate(caller.principal)
      else await upstreams.reconnect('up')
      return deny('FORBIDDEN', 'done')
    },
  }),
})
`,
  },
}
