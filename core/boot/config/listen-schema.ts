import { DURATION, NAMES } from './upstream-schema.ts'

/** Where clients reach the gateway, and for how long. */
export const LISTEN_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  default: {},
  description: 'Where clients reach the gateway.',
  properties: {
    host: {
      type: 'string',
      minLength: 1,
      default: '127.0.0.1',
      description: 'The address to listen on. 0.0.0.0 = every network of this machine.',
    },
    port: {
      type: 'integer',
      minimum: 0,
      maximum: 65_535,
      default: 8080,
      description: 'The port to listen on. 0 = any free one.',
    },
    publicUrl: {
      type: 'string',
      pattern: '^https?://[^/?#\\s]+(/[^?#\\s]*)?$',
      description:
        'The http or https address clients use, when a proxy stands in front. With a path, the endpoint is below it.',
    },
    allowedOrigins: {
      ...NAMES,
      default: [],
      description: "Origins of web pages that may call, besides the gateway's own.",
    },
    allowedHosts: {
      ...NAMES,
      default: [],
      description: "Values of the Host header to accept besides the gateway's own.",
    },
    bodyLimit: {
      type: 'string',
      format: 'size',
      minimum: 1024,
      default: '4MiB',
      description: 'The largest request body.',
    },
    streams: {
      type: 'integer',
      minimum: 1,
      default: 1024,
      description: 'How many streams for changed lists one principal may hold open.',
    },
    subscriptions: {
      type: 'integer',
      minimum: 1,
      default: 1000,
      description: 'How many resources one principal may be subscribed to.',
    },
    sessions: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'How long the sessions of handshake clients live.',
      properties: {
        idle: {
          ...DURATION,
          minimum: 60_000,
          default: '24h',
          description: 'How long after its client was last heard of a session ends.',
        },
        lifetime: {
          ...DURATION,
          minimum: 60_000,
          default: '7d',
          description: 'How long a session lives at most.',
        },
      },
    },
    tls: {
      type: 'object',
      additionalProperties: false,
      required: ['cert', 'key'],
      description: 'Serve HTTPS.',
      properties: {
        cert: { type: 'string', minLength: 1, description: 'Path of the certificate chain, PEM.' },
        key: { type: 'string', minLength: 1, description: 'Path of the private key, PEM.' },
      },
    },
  },
}
