import type { Infer } from 'mcp-patchbay/sdk'

const globs = (description: string) =>
  ({
    type: 'array',
    minItems: 1,
    uniqueItems: true,
    items: { type: 'string', minLength: 1 },
    description,
  }) as const

/** The settings of the plugin. */
export const SETTINGS = {
  type: 'object',
  additionalProperties: false,
  required: ['limits'],
  properties: {
    limits: {
      type: 'array',
      minItems: 1,
      description: 'What a call must keep: all of them, or it takes from none.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['per', 'calls', 'window'],
        properties: {
          name: {
            type: 'string',
            pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$',
            description:
              'What callers and operators read, and what is counted goes on under. When left out: what it ' +
              'counts per and the window, as in `principal-upstream-60s`.',
          },
          per: {
            type: 'array',
            uniqueItems: true,
            items: { enum: ['principal', 'client', 'upstream', 'tool'] },
            description:
              'What is counted by itself: each principal, each client (by its own word), each upstream, each ' +
              'tool, and their combinations. `[]` counts all calls together.',
          },
          calls: {
            type: 'integer',
            minimum: 1,
            description: 'How many calls come back in one window, evenly.',
          },
          window: {
            type: 'string',
            format: 'duration',
            description: 'The length of a window.',
          },
          burst: {
            type: 'integer',
            minimum: 1,
            description: 'How many calls may come at once after a pause. When left out: `calls`.',
          },
          match: {
            type: 'object',
            additionalProperties: false,
            minProperties: 1,
            description:
              'Which calls are counted: those that fit all of this. When left out: every call.',
            properties: {
              tools: globs(
                'Names and globs of tools, prompts and resources, compared with the name clients use, the name ' +
                  "behind an alias and the upstream's own name.",
              ),
              upstreams: globs(
                'Ids of upstreams and globs; of what a plugin offers, the id of its plugin line.',
              ),
              principals: globs('Subjects of principals and globs.'),
              methods: {
                type: 'array',
                minItems: 1,
                uniqueItems: true,
                items: {
                  enum: ['tools/call', 'prompts/get', 'resources/read', 'completion/complete'],
                },
                description: 'Kinds of calls.',
              },
            },
          },
        },
      },
    },
  },
} as const

/** One limit as the settings have it. */
export type LimitSettings = Infer<typeof SETTINGS>['limits'][number]
