import { SAMPLERS } from './sampler.ts'

/** Attributes that may hold what is personal or secret: recorded only where the config names them. */
export const SENSITIVE = [
  'gen_ai.tool.call.arguments',
  'gen_ai.tool.call.result',
  'gen_ai.prompt.variable',
  'mcp.resource.uri',
  'mcp.session.id',
  'user.id',
  'error.message',
] as const
/** One of {@link SENSITIVE}. */
export type Sensitive = (typeof SENSITIVE)[number]

const ENDPOINT = {
  type: 'string',
  pattern: '^https?://[^/?#\\s]+(/[^?#\\s]*)?$',
} as const
const DURATION = { type: 'string', format: 'duration', minimum: 1 } as const

/** The settings. What has no default here is the standard variable's, then the default of the table in the README. */
export const SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    disabled: {
      type: 'boolean',
      description:
        'Whether nothing is measured, traced or exported. /metrics still tells what others count.',
    },
    serviceName: {
      type: 'string',
      minLength: 1,
      description: 'What this gateway is called: `service.name`.',
    },
    resource: {
      type: 'object',
      default: {},
      additionalProperties: { type: 'string' },
      description:
        'Attributes of the resource, for example `{ deployment.environment.name: prod }`.',
    },
    otlp: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'The collector that is told, by OTLP over HTTP with protobuf.',
      properties: {
        endpoint: {
          ...ENDPOINT,
          description: 'Its base URL, without `/v1/traces`. Nothing is exported without one.',
        },
        headers: {
          type: 'object',
          additionalProperties: { type: 'string', writeOnly: true },
          description: 'Sent with every export, for example an `authorization`.',
        },
        timeout: {
          ...DURATION,
          description: 'How long one export may take, its retries included.',
        },
        compression: { enum: ['none', 'gzip'], description: 'How exports are compressed.' },
      },
    },
    traces: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'Spans.',
      properties: {
        export: {
          type: 'boolean',
          description: 'Whether spans are made and exported, where there is an endpoint.',
        },
        sampler: { enum: SAMPLERS, description: 'Which calls are recorded.' },
        ratio: {
          type: 'number',
          minimum: 0,
          maximum: 1,
          description:
            'The share of calls that `traceidratio` and `parentbased_traceidratio` record.',
        },
        headers: {
          type: 'boolean',
          default: false,
          description:
            'Whether upstreams get the trace context in HTTP headers too, besides `_meta`.',
        },
        attributes: {
          type: 'array',
          uniqueItems: true,
          items: { enum: SENSITIVE },
          default: [],
          description:
            'Attributes that may hold personal data, each recorded only if it is named here.',
        },
        valueLength: {
          type: 'integer',
          minimum: 1,
          description: 'Characters of a recorded text at most. What is longer is cut.',
        },
        delay: { ...DURATION, description: 'How long spans wait for others to be exported with.' },
        queue: {
          type: 'integer',
          minimum: 1,
          maximum: 1_000_000,
          description: 'Spans that may wait. What comes after is dropped, and counted.',
        },
        batch: {
          type: 'integer',
          minimum: 1,
          maximum: 1_000_000,
          description: 'Spans in one export at most.',
        },
      },
    },
    metrics: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'Metrics.',
      properties: {
        export: {
          type: 'boolean',
          description: 'Whether they are exported, where there is an endpoint.',
        },
        operations: {
          type: 'boolean',
          default: true,
          description: 'Whether the two histograms of operations are kept.',
        },
        interval: { ...DURATION, description: 'How often they are exported.' },
        names: {
          type: 'integer',
          minimum: 1,
          maximum: 100_000,
          default: 1_000,
          description:
            'Different names of tools and prompts that become attributes. Those after that many are `_OTHER`.',
        },
      },
    },
  },
} as const
