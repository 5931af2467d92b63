const globs = { type: 'array', uniqueItems: true, items: { type: 'string', minLength: 1 } } as const
const scopes = {
  type: 'array',
  minItems: 1,
  uniqueItems: true,
  items: { type: 'string', minLength: 1 },
} as const

/** The settings of the plugin. */
export const configSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    permissions: {
      type: 'object',
      propertyNames: { minLength: 1 },
      additionalProperties: scopes,
      description:
        'Globs (`*`, `?`, `[…]`, `{a,b}`) of tools, prompts, URIs and URI templates, each with the scopes that ' +
        'permit what it matches. The scope to ask for stands first.',
    },
    upstreams: {
      type: 'object',
      additionalProperties: scopes,
      description: 'Ids of upstreams, each with the scopes that permit all it has.',
    },
    anyone: { ...globs, description: 'Globs of what every caller may use.' },
    deny: {
      ...globs,
      default: [],
      description:
        "Globs of what nobody may use, whatever permits it. Also compared with the upstream's own names.",
    },
    scopeMode: {
      enum: ['any', 'all'],
      default: 'any',
      description: 'Whether one scope of a line is enough, or all are needed.',
    },
    stepUp: {
      type: 'boolean',
      default: true,
      description:
        'Whether a call by somebody who lacks scopes is answered with those to ask for. Otherwise it reads like a ' +
        'call to something that does not exist.',
    },
    profiles: {
      type: 'object',
      propertyNames: { pattern: '^[A-Za-z0-9_-]+$' },
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        properties: {
          allow: {
            ...globs,
            description: 'Globs of what is in it: all when left out, nothing when empty.',
          },
          upstreams: {
            ...globs,
            description:
              'Ids of upstreams whose entries are in it: all when left out, none when empty.',
          },
          deny: { ...globs, default: [], description: 'Globs of what is not in it after all.' },
        },
      },
      description:
        'What is left of the permitted, by the name of a profile: for callers of `/mcp/<profile>`, and of the claim. ' +
        'An unknown profile gets nothing. When left out, paths make no difference.',
    },
    profileClaim: {
      type: 'string',
      minLength: 1,
      description:
        "The claim of callers' principals that names their profile, or a list of profiles of which one must hold " +
        'what they use.',
    },
    defaultProfile: {
      type: 'string',
      minLength: 1,
      description:
        'The profile of callers without that claim. They get nothing when it is left out.',
    },
  },
} as const
