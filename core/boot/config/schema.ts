import { HOOK_NAMES, type Schema } from '../../../sdk/index.ts'
import { LISTEN_SCHEMA } from './listen-schema.ts'
import { LISTS_SCHEMA } from './lists-schema.ts'
import { STDIO_SCHEMA } from './stdio-schema.ts'
import {
  DURATION,
  NAMES,
  TIMEOUT,
  UPSTREAM_DEFAULTS_SCHEMA,
  UPSTREAM_SCHEMA,
} from './upstream-schema.ts'
import { WORKERS_SCHEMA } from './workers-schema.ts'

/** One plugin line. `config` is judged by the plugin's own schema. */
export const PLUGIN_LINE_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['use'],
  description: 'A plugin to run.',
  properties: {
    use: {
      type: 'string',
      minLength: 1,
      description: 'A bundled plugin, an npm package, or a file that begins with . or /',
    },
    id: {
      type: 'string',
      pattern: '^[A-Za-z0-9_-]+$',
      description:
        "In letters, digits, _ and -: names this line in messages and stored data. The plugin's name when missing; needed when one plugin is used twice.",
    },
    enabled: {
      type: 'boolean',
      default: true,
      description: 'Whether the plugin is loaded at all.',
    },
    config: { type: 'object', default: {}, description: "The plugin's settings." },
    onFailure: {
      enum: ['deny', 'skip'],
      default: 'deny',
      description:
        'What happens to a call when the plugin fails on it. `skip` never applies to hooks that decide who may do what.',
    },
    mode: {
      enum: ['enforce', 'shadow'],
      default: 'enforce',
      description:
        '`shadow`: what the plugin would refuse, ask or change is counted (`patchbay shadow`) and not applied. For plugins that say they can run dry.',
    },
    timeouts: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'How long single hooks may take, in place of the defaults.',
      properties: Object.fromEntries(
        HOOK_NAMES.map((name) => [
          name,
          { ...TIMEOUT, description: `How long \`${name}\` may take.` },
        ]),
      ),
    },
  },
} as const satisfies Schema

/** Where operators are served; `false` = nowhere. */
export const ADMIN_SCHEMA = {
  type: ['object', 'boolean'],
  additionalProperties: false,
  default: {},
  description: 'Where operators are served: status, commands, admin routes. false = nowhere.',
  properties: {
    host: {
      type: 'string',
      minLength: 1,
      default: '127.0.0.1',
      description: 'The address to listen on.',
    },
    port: {
      type: 'integer',
      minimum: 0,
      maximum: 65_535,
      default: 8081,
      description: 'The port to listen on. 0 = any free one.',
    },
    allowedOrigins: {
      ...NAMES,
      default: [],
      description: 'Origins of web pages that may ask.',
    },
    allowedHosts: {
      ...NAMES,
      default: [],
      description: 'Values of the Host header to accept besides its own.',
    },
    open: {
      type: 'array',
      uniqueItems: true,
      items: {
        type: 'string',
        pattern: '^/(?!(?:status|shadow|explain|upstreams|commands)(?:/|$)).',
      },
      default: [],
      description:
        "Paths of plugins, for example /metrics, that anybody who reaches the admin door may GET without credentials. Never the gateway's own paths.",
    },
  },
} as const satisfies Schema

/** A config file. Ids and what depends on other keys is checked in code, where the reason can be told. */
export const CONFIG_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  description: 'A Patchbay config file.',
  properties: {
    listen: LISTEN_SCHEMA,
    workers: WORKERS_SCHEMA,
    admin: ADMIN_SCHEMA,
    stdio: STDIO_SCHEMA,
    data: {
      type: 'string',
      minLength: 1,
      default: './data',
      description:
        "The folder for what outlives the process, relative to the config file's folder.",
    },
    keys: {
      type: 'array',
      default: [],
      items: { type: 'string', writeOnly: true, description: 'At least 32 characters.' },
      description:
        'Secrets that seal sessions: the first seals, all open. Empty ones are passed over; made up when there is none.',
    },
    log: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'What is logged.',
      properties: {
        level: {
          enum: ['trace', 'debug', 'info', 'warn', 'error'],
          default: 'info',
          description: 'The least important lines to write.',
        },
      },
    },
    errors: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'What callers are told of errors.',
      properties: {
        showPlugin: {
          type: 'boolean',
          default: false,
          description: 'Whether callers see which plugin and rule refused them.',
        },
      },
    },
    lists: LISTS_SCHEMA,
    egress: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: "What plugins' requests may reach.",
      properties: {
        allow: {
          ...NAMES,
          default: [],
          description:
            'Addresses, networks like 10.0.0.0/8 and host names that may be asked though they are not on the internet, also without TLS.',
        },
      },
    },
    drain: {
      ...DURATION,
      default: '10s',
      description: 'How long open calls may go on after a stop signal.',
    },
    names: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'How public names are made.',
      properties: {
        separator: {
          type: 'string',
          pattern: '^[A-Za-z0-9_-]+$',
          default: '__',
          description: "Letters, digits, _ and - between an upstream's prefix and a tool's name.",
        },
        maxLength: {
          type: 'integer',
          minimum: 16,
          maximum: 128,
          default: 64,
          description: 'The longest name clients accept. Longer ones are cut and end in a hash.',
        },
      },
    },
    profiles: {
      type: 'object',
      default: {},
      description: 'Further endpoints, by name: each is served at /mcp/<name>.',
      propertyNames: { pattern: '^[A-Za-z0-9_-]+$' },
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        properties: {},
        description: 'A profile. It has no settings; plugins tell profiles apart by their path.',
      },
    },
    include: {
      ...NAMES,
      default: [],
      description: 'Globs of further files with `upstreams` or `plugins`.',
    },
    defaults: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'What fills in for missing keys.',
      properties: { upstream: UPSTREAM_DEFAULTS_SCHEMA },
    },
    pluginsDir: {
      type: 'string',
      minLength: 1,
      description:
        "A folder of plugins, relative to the config file's folder: `use` names what is in it.",
    },
    upstreams: {
      type: 'object',
      default: {},
      description: 'The MCP servers behind the gateway, by id.',
      additionalProperties: UPSTREAM_SCHEMA,
    },
    plugins: {
      type: 'array',
      default: [],
      description: 'The plugins, in the order in which they run.',
      items: PLUGIN_LINE_SCHEMA,
    },
  },
} as const satisfies Schema
