import type { Schema } from '../../../sdk/index.ts'

/** A list of words. */
export const NAMES = { type: 'array', items: { type: 'string', minLength: 1 } }
const TEXTS = { type: 'object', additionalProperties: { type: 'string' } }
/** A duration, 0 included. */
export const DURATION = { type: 'string', format: 'duration' }

const TOOLS = {
  type: 'object',
  additionalProperties: false,
  description: 'Which of its tools are offered, and under which names.',
  properties: {
    include: {
      ...NAMES,
      description: 'Globs on its own tool names. All tools when missing, none when empty.',
    },
    exclude: { ...NAMES, description: 'Globs on its own tool names: tools to leave out.' },
    rename: { ...TEXTS, description: 'Its own tool name → the name to use in its place.' },
    alias: { ...TEXTS, description: 'An additional name → its own tool name.' },
  },
}

/** A duration that is not 0. */
export const TIMEOUT = { ...DURATION, minimum: 1 }

/** What `defaults.upstream` can fill in: everything that can sensibly be said of several upstreams. */
const COMMON_UPSTREAM = {
  transport: {
    enum: ['auto', 'http', 'sse'],
    default: 'auto',
    description:
      'How the server is reached: `http` is Streamable HTTP, `sse` the HTTP+SSE of 2024-11-05, `auto` finds out. With `url` only.',
  },
  era: {
    enum: ['auto', 'modern', 'legacy'],
    default: 'auto',
    description:
      'Which revisions the server is spoken to in: `modern` is 2026-07-28, `legacy` those with a handshake, `auto` finds out.',
  },
  allowH2: {
    type: 'boolean',
    default: false,
    description: 'Whether HTTP/2 is spoken to an https server that offers it. With `url` only.',
  },
  headers: {
    ...TEXTS,
    description: 'Headers sent with every HTTP request. With `url` only.',
    default: {},
  },
  forwardHeaders: {
    ...NAMES,
    description: "Names of the client's headers to pass on. With `url` only.",
    default: [],
  },
  env: {
    ...TEXTS,
    description:
      'Environment variables of the process, besides the few that every process gets. With `command` only.',
    default: {},
  },
  cwd: {
    type: 'string',
    minLength: 1,
    description:
      "The folder the process runs in, relative to the config file's folder, which is the default. With `command` only.",
  },
  enabled: { type: 'boolean', default: true, description: 'Whether it is used at all.' },
  prefix: {
    type: 'string',
    pattern: '^[A-Za-z0-9_-]*$',
    description:
      'What its tool names start with, in letters, digits, _ and -: the id when missing, nothing when "".',
  },
  tools: TOOLS,
  timeout: {
    ...TIMEOUT,
    default: '60s',
    description: 'How long a call may show no sign of life. Progress messages are signs of life.',
  },
  totalTimeout: {
    ...TIMEOUT,
    description: 'How long a call may take in all. No limit when missing.',
  },
  timeouts: {
    type: 'object',
    default: {},
    description: 'Limits for single tools, by their own names.',
    additionalProperties: {
      type: 'object',
      additionalProperties: false,
      description: 'The limits of one tool.',
      properties: {
        timeout: { ...TIMEOUT, description: 'As `timeout`, for this tool.' },
        totalTimeout: { ...TIMEOUT, description: 'As `totalTimeout`, for this tool.' },
      },
    },
  },
  connectTimeout: {
    ...TIMEOUT,
    default: '10s',
    description: 'How long connecting may take, handshake included.',
  },
  session: {
    enum: ['shared', 'per-client'],
    default: 'shared',
    description:
      'Whether all callers share a session or process, or each principal and client software has its own.',
  },
  maxSessions: {
    type: 'integer',
    minimum: 1,
    default: 100,
    description:
      'How many sessions or processes it may have at a time besides its shared one. Beyond that the longest unused one gives way, and none while a call is on it.',
  },
  sessionIdle: {
    ...TIMEOUT,
    default: '10m',
    description:
      "How long a session or process may be unused before it is closed. The gateway's own is kept.",
  },
  whenDown: {
    enum: ['keep', 'hide'],
    default: 'keep',
    description: 'Whether its tools stay listed while it is down.',
  },
  grace: {
    ...DURATION,
    default: '0s',
    description: 'How long it may be down before `whenDown: hide` hides its tools.',
  },
  trustAnnotations: {
    type: 'boolean',
    default: false,
    description:
      'Whether its `readOnlyHint` and `idempotentHint` are believed when a lost call could be repeated.',
  },
  refresh: {
    ...DURATION,
    default: '5m',
    description: 'How often its list is read again besides its own notifications. 0s = never.',
  },
}

/** The keys of one upstream that the gateway itself knows; plugins claim further ones. */
export const UPSTREAM_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  description: 'An MCP server. Needs `url` or `command`.',
  properties: {
    url: { type: 'string', description: 'The endpoint of an HTTP server, http or https.' },
    command: {
      type: ['string', 'array'],
      minLength: 1,
      minItems: 1,
      items: { type: 'string' },
      description: 'The program of a stdio server: its name, or a list of name and arguments.',
    },
    args: {
      type: 'array',
      items: { type: 'string' },
      description: 'Arguments after those of `command`.',
    },
    ...COMMON_UPSTREAM,
  },
} as const satisfies Schema

/** The same without what is one upstream's own, and without defaults: what is missing stays missing. */
export const UPSTREAM_DEFAULTS_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  description: 'Fills the missing keys of every upstream it fits.',
  properties: COMMON_UPSTREAM,
} as const satisfies Schema
