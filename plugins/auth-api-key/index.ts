import { type Challenge, Clock, definePlugin, deny, Info } from 'mcp-patchbay/sdk'
import { KeyRing } from './key-ring.ts'

const REFUSED = deny('UNAUTHENTICATED', 'the API key is not valid', {
  hint: 'Ask the operator of this gateway for a valid key.',
})

const BEARER = /^bearer(?: +|$)/i

/** Callers are known by keys of which the config holds only hashes. */
export default definePlugin({
  name: 'auth-api-key',
  version: '0.1.0',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['keys'],
    properties: {
      keys: {
        type: 'array',
        minItems: 1,
        description: 'The keys that are let in.',
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['id', 'sha256'],
          properties: {
            id: {
              type: 'string',
              minLength: 1,
              description: 'Whose key it is: the subject of the caller. Each id once.',
            },
            sha256: {
              type: 'string',
              pattern: '^[0-9a-fA-F]{64}$',
              writeOnly: true,
              description: 'The SHA-256 hash of the key, as 64 hexadecimal digits.',
            },
            scopes: {
              type: 'array',
              items: { type: 'string', minLength: 1 },
              default: [],
              description: 'The scopes that the caller is granted.',
            },
            expires: {
              type: 'string',
              format: 'date-time',
              description: 'From when on the key is refused, for example `2027-01-31T00:00:00Z`.',
            },
            claims: {
              type: 'object',
              additionalProperties: true,
              default: {},
              description:
                'What else plugins may know of the caller, for example `{ team: core }`.',
            },
          },
        },
      },
      header: {
        type: 'string',
        pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$",
        description:
          'The only header that carries the key, and nothing else. When left out: ' +
          '`X-API-Key: <key>` or `Authorization: Bearer <key>`.',
      },
    },
  },
  needs: { clock: Clock, info: Info },
  setup({ keys, header }, { clock, info }) {
    const ring = new KeyRing(info.plugin, keys)
    const own = header?.toLowerCase()
    return {
      authenticate({ headers }) {
        const presented = own === undefined ? usualKey(headers) : headers[own]
        if (presented === undefined) return undefined
        const key = typeof presented === 'string' ? ring.find(presented) : undefined
        if (key === undefined) return REFUSED
        return key.until === undefined || key.until > clock.now() ? key : REFUSED
      },
      challenge(_request, denial): Challenge {
        if (header !== undefined) return { scheme: 'ApiKey', params: { header } }
        if (denial.code !== 'INSUFFICIENT_SCOPE') return { scheme: 'Bearer' }
        const scope = (denial.scopes ?? []).join(' ')
        return { scheme: 'Bearer', params: { error: 'insufficient_scope', scope } }
      },
    }
  },
})

/** The key in one of the usual places; `undefined` when the request uses another scheme, or none. */
function usualKey(headers: Readonly<Record<string, string | string[] | undefined>>) {
  const { 'x-api-key': key, authorization } = headers
  if (key !== undefined) return key
  if (typeof authorization !== 'string' || !BEARER.test(authorization)) return undefined
  return authorization.replace(BEARER, '')
}
