import type { Infer } from 'mcp-patchbay/sdk'

const SECRET = { type: 'string', pattern: '^[\\x21-\\x7e]+$', writeOnly: true } as const

type Auth = Infer<typeof AUTH_SCHEMA>
/** Settings of a mode that sends the same with every request. */
export type FixedAuth = Exclude<Auth, { readonly mode: 'none' | 'client_credentials' }>
/** Settings of a client that gets tokens. */
export type ClientAuth = Extract<Auth, { readonly mode: 'client_credentials' }>
const URI = { type: 'string', format: 'uri', pattern: '^https?://' } as const

/** What may stand under `auth` of an upstream. */
export const AUTH_SCHEMA = {
  type: 'object',
  oneOf: [
    {
      type: 'object',
      additionalProperties: false,
      required: ['mode'],
      properties: {
        mode: {
          const: 'none',
          description:
            'How the gateway shows the upstream who it is: `none`, `bearer`, `api_key`, `header`, `basic` or ' +
            '`client_credentials`. The other settings belong to one mode each. `none` sends nothing, for an upstream that ' +
            'is not to inherit `defaults.upstream.auth`.',
        },
      },
    },
    {
      type: 'object',
      additionalProperties: false,
      required: ['mode', 'token'],
      properties: {
        mode: { const: 'bearer', description: 'A token that does not change.' },
        token: {
          ...SECRET,
          description: '`bearer`: sent as `Authorization: Bearer <token>`. Without spaces.',
        },
      },
    },
    {
      type: 'object',
      additionalProperties: false,
      required: ['mode', 'key'],
      properties: {
        mode: { const: 'api_key', description: 'A key in the usual header.' },
        key: { ...SECRET, description: '`api_key`: sent as `X-API-Key: <key>`. Without spaces.' },
      },
    },
    {
      type: 'object',
      additionalProperties: false,
      required: ['mode', 'name', 'value'],
      properties: {
        mode: { const: 'header', description: 'Any other header.' },
        name: {
          type: 'string',
          pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$",
          description: '`header`: the name of the header.',
        },
        value: {
          type: 'string',
          pattern:
            '^[\\x21-\\x7e\\x80-\\xff]([\\t\\x20-\\x7e\\x80-\\xff]*[\\x21-\\x7e\\x80-\\xff])?$',
          writeOnly: true,
          description: '`header`: its value, in one line and without spaces around it.',
        },
      },
    },
    {
      type: 'object',
      additionalProperties: false,
      required: ['mode', 'username', 'password'],
      properties: {
        mode: { const: 'basic', description: 'A name and a password (RFC 7617).' },
        username: {
          type: 'string',
          pattern: '^[^:\\x00-\\x1f\\x7f]*$',
          description: '`basic`: the user name, without a colon.',
        },
        password: {
          type: 'string',
          pattern: '^[^\\x00-\\x1f\\x7f]+$',
          writeOnly: true,
          description: '`basic`: the password.',
        },
      },
    },
    {
      type: 'object',
      additionalProperties: false,
      description:
        'Keep one of `issuer` and `tokenUrl`: by the first the gateway finds the second.',
      required: ['mode', 'clientId', 'clientSecret'],
      properties: {
        mode: {
          const: 'client_credentials',
          description: 'Tokens that the gateway gets for itself (RFC 6749, 4.4).',
        },
        clientId: {
          type: 'string',
          minLength: 1,
          description:
            '`client_credentials`: the id that the authorization server knows the gateway by.',
        },
        clientSecret: {
          type: 'string',
          minLength: 1,
          writeOnly: true,
          description: '`client_credentials`: its secret there.',
        },
        issuer: {
          ...URI,
          description:
            '`client_credentials`: the authorization server that knows the client, exactly as its metadata says it. When ' +
            'this and `tokenUrl` are left out, the one that the upstream names.',
        },
        tokenUrl: {
          ...URI,
          description:
            '`client_credentials`: where tokens are had, for an authorization server that publishes no metadata.',
        },
        clientAuth: {
          enum: ['basic', 'post'],
          description:
            '`client_credentials`: whether id and secret are sent as a header or in the body. When left out: what the ' +
            "server's metadata offers, `basic` first.",
        },
        scopes: {
          type: 'array',
          items: { type: 'string', pattern: '^[\\x21\\x23-\\x5b\\x5d-\\x7e]+$' },
          description:
            '`client_credentials`: the scopes to ask for. When left out: those that the upstream names when it refuses, ' +
            'if it was asked for its authorization server.',
        },
        resource: {
          type: 'string',
          pattern: '^(?:none$|[A-Za-z][A-Za-z0-9+.-]*:)',
          description:
            '`client_credentials`: whom tokens are for, as a URI (RFC 8707). When left out: what the upstream says it is ' +
            'called, or its `url`. `none` sends nothing, for authorization servers that refuse it.',
        },
      },
      not: { required: ['issuer', 'tokenUrl'] },
    },
  ],
} as const
