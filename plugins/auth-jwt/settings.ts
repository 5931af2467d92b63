import type { Infer } from 'mcp-patchbay/sdk'

/** Every algorithm with a key pair that JWTs are signed with: nobody who can verify can sign. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const

/** A scope token (RFC 6749, 3.3). */
const SCOPE = { type: 'string', pattern: '^[!#-\\[\\]-~]+$' } as const
const SCOPES = { type: 'array', minItems: 1, items: SCOPE } as const
const CLAIMS = {
  type: 'array',
  uniqueItems: true,
  items: { type: 'string', minLength: 1 },
} as const
const MAPPINGS = {
  type: 'object',
  default: {},
  additionalProperties: { type: 'object', additionalProperties: SCOPES },
} as const

const ISSUER = {
  type: 'object',
  additionalProperties: false,
  required: ['issuer'],
  properties: {
    issuer: {
      type: 'string',
      pattern: '^https?://[^?#\\s]+$',
      description:
        'The issuer, character for character as `iss` in its tokens and metadata has it.',
    },
    jwksUri: {
      type: 'string',
      pattern: '^https?://[^#\\s]+$',
      description: "Where its keys are. When left out, the issuer's metadata says it.",
    },
    jwks: {
      type: 'object',
      additionalProperties: false,
      required: ['keys'],
      description: 'Its public keys themselves, in place of an address.',
      properties: {
        keys: {
          type: 'array',
          minItems: 1,
          items: { type: 'object', additionalProperties: true },
          description: 'Public keys as JSON Web Keys.',
        },
      },
    },
    scopes: {
      ...CLAIMS,
      default: ['*'],
      description:
        "Names and globs: which scopes of its tokens' own count. Those of the gateway itself, which begin with `patchbay:`, " +
        'only where they are named here.',
    },
    claims: {
      ...CLAIMS,
      default: [],
      description: 'Claims that its tokens must have, besides those that every token must have.',
    },
    mappings: {
      ...MAPPINGS,
      description: 'Scopes for what its tokens claim, besides those for what any token claims.',
    },
  },
} as const

/** The settings of a plugin line. */
export const CONFIG_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['issuers'],
  properties: {
    issuers: {
      type: 'array',
      minItems: 1,
      description: 'Whose tokens are accepted.',
      items: ISSUER,
    },
    audiences: {
      type: 'array',
      minItems: 1,
      uniqueItems: true,
      items: { type: 'string', minLength: 1 },
      description:
        'Values of `aud` of which a token must have one. When left out: the URL of the endpoint it is used at, or ' +
        'that of `/mcp`.',
    },
    scopesSupported: {
      type: 'array',
      uniqueItems: true,
      items: { ...SCOPE, not: { const: 'offline_access' } },
      default: [],
      description: 'The scopes that clients are told to ask for. Few: what everybody needs.',
    },
    algorithms: {
      type: 'array',
      minItems: 1,
      uniqueItems: true,
      items: { enum: ALGORITHMS },
      default: ALGORITHMS,
      description: 'The algorithms that tokens may be signed with.',
    },
    types: {
      type: 'array',
      minItems: 1,
      uniqueItems: true,
      items: { enum: ['at+jwt', 'JWT'] },
      default: ['at+jwt', 'JWT'],
      description:
        'Values of the header `typ`, with or without `application/`. A token without one counts as `JWT`.',
    },
    clockTolerance: {
      type: 'string',
      format: 'duration',
      maximum: 300_000,
      default: '30s',
      description: "How far the issuer's clock may be from this one; 5 minutes at most.",
    },
    claims: {
      ...CLAIMS,
      default: [],
      description:
        'Claims that every token must have. Dots lead into objects: `realm_access.roles`.',
    },
    mappings: {
      ...MAPPINGS,
      description:
        'Scopes for what a token claims: claim → value or glob → scopes, for example `{ groups: { support: [tickets:read] } }`.',
    },
  },
} as const

/** What an operator wrote, checked and with defaults. */
export type Settings = Infer<typeof CONFIG_SCHEMA>

/** One of `issuers`. */
export type IssuerSettings = Settings['issuers'][number]

/** Claim → value or glob → scopes. */
export type Mappings = Settings['mappings']
