import type { Schema } from '../../../sdk/index.ts'

/** The client of `patchbay stdio`. */
export const STDIO_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  default: {},
  description: 'The one client that `patchbay stdio` serves.',
  properties: {
    principal: {
      type: 'object',
      additionalProperties: false,
      required: ['subject'],
      description:
        'Who that client is. When missing, plugins are asked, as for a request without any header.',
      properties: {
        subject: { type: 'string', minLength: 1, description: 'Who it is, at the issuer.' },
        issuer: {
          type: 'string',
          minLength: 1,
          default: 'stdio',
          description: 'Who vouches for it.',
        },
        scopes: {
          type: 'array',
          items: { type: 'string', minLength: 1 },
          default: [],
          description: 'The scopes it is granted.',
        },
        claims: {
          type: 'object',
          default: {},
          description: 'What else is known of it, for plugins that ask.',
        },
      },
    },
  },
} as const satisfies Schema
