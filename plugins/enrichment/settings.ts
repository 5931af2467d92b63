import type { Infer } from 'mcp-patchbay/sdk'

const GLOBS = {
  type: 'array',
  uniqueItems: true,
  minItems: 1,
  maxItems: 100,
  items: { type: 'string', minLength: 1 },
} as const

const MATCH = {
  type: 'object',
  additionalProperties: false,
  required: ['tools'],
  properties: {
    tools: {
      ...GLOBS,
      description:
        'Names and globs: the name clients use, the one before aliases, or the own one of the upstream.',
    },
    upstreams: {
      ...GLOBS,
      description: 'Ids and globs of upstreams; every one when left out.',
    },
  },
  description: 'Whose results it adds to.',
} as const

const CONDITION = {
  type: 'object',
  additionalProperties: false,
  required: ['path'],
  properties: {
    path: { type: 'string', description: 'What is looked at.' },
    exists: { type: 'boolean', description: 'Whether there is something; `null` is something.' },
    equals: { description: 'The value it has to be, of any kind.' },
    matches: {
      type: 'string',
      description:
        'A regular expression for text, numbers, true and false, up to 4,096 characters.',
    },
  },
} as const

const TOOL = {
  type: 'object',
  additionalProperties: false,
  required: ['name'],
  properties: {
    name: {
      type: 'string',
      minLength: 1,
      description: 'A tool by the name clients use. It is called as the caller itself would.',
    },
    args: {
      type: 'object',
      default: {},
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        properties: {
          path: { type: 'string', description: 'Taken from the call.' },
          value: { description: 'Always the same, in place of `path`.' },
          default: { description: 'Sent where there is nothing at `path`.' },
        },
      },
      description: 'What it is called with, by name.',
    },
  },
  description: 'A source: another tool.',
} as const

const HTTP = {
  type: 'object',
  additionalProperties: false,
  required: ['url'],
  properties: {
    url: {
      type: 'string',
      description:
        'What is asked with GET. Paths in braces after the host are filled in, percent-encoded.',
    },
    headers: {
      type: 'object',
      default: {},
      additionalProperties: { type: 'string', writeOnly: true },
      description: 'Sent along, the same for every caller.',
    },
    keep: {
      type: 'string',
      format: 'duration',
      default: '30s',
      maximum: 3_600_000,
      description: 'How long an answer serves all who ask for the same address; `0` for never.',
    },
  },
  description: 'A source: an address that answers with JSON.',
} as const

const TABLE = {
  type: 'object',
  additionalProperties: false,
  required: ['key', 'rows'],
  properties: {
    key: { type: 'string', description: 'The path of what is looked up.' },
    rows: {
      type: 'object',
      additionalProperties: { description: 'What is added, of any kind.' },
      description: 'What is added, by key.',
    },
  },
  description: 'A source: values in the config.',
} as const

const MERGE = {
  type: 'object',
  additionalProperties: false,
  properties: {
    at: {
      type: 'string',
      description:
        'Where in the JSON of the result; `result.enrichment.<name>` if neither this nor `text` is set.',
    },
    text: {
      type: 'boolean',
      default: false,
      description: 'Whether a text block `<name>: <value>` is added.',
    },
  },
  description: 'What becomes of the value.',
} as const

const RULE = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'match'],
  properties: {
    name: {
      type: 'string',
      pattern: '^[A-Za-z][A-Za-z0-9_-]{0,63}$',
      description: 'What clients and operators read of it: letters, digits, `_` and `-`.',
    },
    match: MATCH,
    when: {
      type: 'array',
      default: [],
      maxItems: 20,
      items: CONDITION,
      description:
        'Conditions that must all hold, with one of `exists`, `equals` and `matches` each.',
    },
    errors: {
      type: 'boolean',
      default: false,
      description: 'Whether it also adds to results that say `isError`.',
    },
    tool: TOOL,
    http: HTTP,
    table: TABLE,
    take: {
      type: 'string',
      default: 'answer',
      description: 'The part of what the source answers: `answer.items[0]`.',
    },
    merge: MERGE,
    onMissing: {
      enum: ['warn', 'skip'],
      default: 'warn',
      description: 'What to do where there is nothing to look up, or nothing is found.',
    },
    timeout: {
      type: 'string',
      format: 'duration',
      default: '1s',
      minimum: 1,
      maximum: 1500,
      description: 'How long its source may take.',
    },
    maxBytes: {
      type: 'string',
      format: 'size',
      default: '64KiB',
      minimum: 1,
      maximum: 1_048_576,
      description: 'The most its source may answer.',
    },
  },
} as const

/** The settings of the plugin. */
export const SETTINGS = {
  type: 'object',
  additionalProperties: false,
  required: ['rules'],
  properties: {
    rules: {
      type: 'array',
      minItems: 1,
      maxItems: 100,
      items: RULE,
      description: 'What is added to results, in this order: each sees what those before it added.',
    },
    budget: {
      type: 'string',
      format: 'duration',
      default: '1500ms',
      minimum: 1,
      maximum: 1500,
      description: 'How long all rules of one call may wait for their sources together.',
    },
    maxResult: {
      type: 'string',
      format: 'size',
      default: '1MiB',
      minimum: 1,
      maximum: 16_777_216,
      description: 'The most text of a result that rules look into, in characters.',
    },
  },
} as const

/** One rule, checked and with defaults. */
export type RuleSettings = Infer<typeof RULE>
