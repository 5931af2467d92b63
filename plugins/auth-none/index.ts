import { definePlugin, Info, type Principal } from 'mcp-patchbay/sdk'

/** Everybody is the same principal: a gateway without logins, written down in the config. */
export default definePlugin({
  name: 'auth-none',
  version: '0.1.0',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      subject: {
        type: 'string',
        minLength: 1,
        default: 'anonymous',
        description: 'The subject that every caller has.',
      },
      scopes: {
        type: 'array',
        items: { type: 'string', minLength: 1 },
        default: [],
        description: 'The scopes that every caller is granted.',
      },
    },
  },
  needs: { info: Info },
  setup({ subject, scopes }, { info }) {
    const principal: Principal = { issuer: info.plugin, subject, claims: {}, scopes }
    const authenticated = { principal }
    return { authenticate: () => authenticated }
  },
})
