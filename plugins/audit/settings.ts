import type { Infer } from 'mcp-patchbay/sdk'

const list = (description: string) =>
  ({
    type: 'array',
    uniqueItems: true,
    items: { type: 'string', minLength: 1 },
    default: [],
    description,
  }) as const

/** The settings of the plugin. */
export const SETTINGS = {
  type: 'object',
  additionalProperties: false,
  properties: {
    record: {
      type: 'array',
      minItems: 1,
      uniqueItems: true,
      items: { enum: ['calls', 'lists', 'refusals', 'events'] },
      default: ['calls', 'lists', 'refusals', 'events'],
      description:
        'What is recorded: calls, lists, requests that nobody vouched for, and what plugins tell (a ' +
        'change of policy, for example).',
    },
    arguments: {
      enum: ['none', 'keys', 'redacted'],
      default: 'keys',
      description:
        'What is kept of the arguments of a call: nothing, their names, or all but secrets.',
    },
    results: {
      enum: ['none', 'redacted'],
      default: 'none',
      description: 'What is kept of the result of a call: nothing, or all but secrets.',
    },
    size: {
      type: 'string',
      format: 'size',
      default: '4KiB',
      description: 'How much is kept of the arguments of a call, and of its result, in characters.',
    },
    redact: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'What is a secret besides what this plugin knows.',
      properties: {
        keys: list('Names of members and globs, whatever their case: `iban`, `*_pin`.'),
        paths: list(
          'Globs of paths from `arguments` or `result` on, with dots and numbers of items: `arguments.user.*`.',
        ),
        patterns: list('Regular expressions for parts of texts: `\\bACME-[0-9]{6}\\b`.'),
      },
    },
    sinks: {
      type: 'array',
      minItems: 1,
      uniqueItems: true,
      items: { enum: ['database', 'log'] },
      default: ['database'],
      description:
        "Where records go: a table of the gateway's database, lines of its log (level info).",
    },
    strict: {
      type: 'boolean',
      default: false,
      description:
        'Whether answers wait until their record is in the database: no record, no answer. Otherwise ' +
        'records are written in batches, and dropped and counted when there are too many.',
    },
    queue: {
      type: 'integer',
      minimum: 1,
      default: 10_000,
      description: 'How many records may wait to be written.',
    },
    retention: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'When records are deleted from the database.',
      properties: {
        age: {
          type: 'string',
          format: 'duration',
          default: '90d',
          description: 'How old they may become.',
        },
        rows: {
          type: 'integer',
          minimum: 1,
          description: 'How many there may be, the newest. When left out: as many as age allows.',
        },
      },
    },
  },
} as const

/** The settings as the plugin receives them. */
export type Settings = Infer<typeof SETTINGS>
