import { createHash, randomBytes } from 'node:crypto'
import type { Kind } from './answers.ts'
import { JWT } from './fixtures/jwt.ts'
import type { Aim, Era } from './wire.ts'

/** A server behind a hop. */
export interface Upstream extends Kind {
  readonly wire: 'http' | 'stdio'
}

/** What is measured together, in the order of the table: the shorter a group, the closer its slices. */
export const GROUPS = {
  calls: 'calls, 20 tools, results of 64 bytes',
  plugins: 'the same with plugins',
  streams: 'servers that answer with SSE',
  tools: 'many tools',
  payload: 'large results',
  stdio: 'a server on pipes',
  sse: 'clients of HTTP+SSE',
  workers: 'on all cores',
  lists: 'tools/list of 1,000 tools',
  peers: 'other gateways and proxies',
} as const
/** One of {@link GROUPS}. */
export type Group = keyof typeof GROUPS

/** One configuration that is measured against the floor in front of the same upstream. */
export interface Case {
  readonly name: string
  /** The era of the client, and of the upstream where `upstream` does not say another. */
  readonly era: Era
  readonly plugins: readonly object[]
  /** What its client sends besides the protocol's own headers. */
  readonly headers: Readonly<Record<string, string>>
  /** `calls` when missing. */
  readonly group?: Group
  /** Where the upstream differs from {@link UPSTREAM}. */
  readonly upstream?: Partial<Upstream>
  /** What stands between: the gateway when missing, or a hop made of the official SDK. */
  readonly hop?: 'gateway' | 'sdk'
  /** Streamable HTTP when missing. */
  readonly transport?: Aim['transport']
  /** A call when missing. */
  readonly method?: Aim['method']
  /** The case of the same group to whose cost per call its own is compared, in microseconds. */
  readonly over?: string
  /** The case of the gateway that has the same wires on both sides: whose throughput it is compared to. */
  readonly rival?: string
  /** More of the config file. */
  readonly config?: object
  /** Its upstream stands twice, as two members of a family: the merged tool is called. */
  readonly family?: boolean
  /** The same process on all cores but the load's, where there are enough; on one when missing. */
  readonly spread?: boolean
  /** Whether `--quick` measures it. */
  readonly quick?: boolean
  /** Whether the gate watches it. */
  readonly gate?: boolean
}

/** The server behind a hop unless a case says otherwise. */
export const UPSTREAM: Omit<Upstream, 'era'> = { wire: 'http', tools: 20, size: 64, stream: 'none' }

const key = randomBytes(24).toString('base64url')
const sha256 = createHash('sha256').update(key).digest('hex')
const Authorization = `Bearer ${key}`
const NONE = { use: 'auth-none' }
const API_KEY = { use: 'auth-api-key', config: { keys: [{ id: 'bench', sha256 }] } }
const LIMITS = [
  { per: ['principal', 'upstream'], calls: 1_000_000, window: '1s' },
  { per: ['principal', 'tool'], calls: 1_000_000, window: '1s' },
]
const RATE_LIMIT = { use: 'rate-limit', config: { limits: LIMITS } }
const AUDIT = { use: 'audit' }
const PERMISSIONS = {
  use: 'permissions',
  config: { permissions: { 'demo__*': ['bench'], '*': ['admin'] }, deny: ['*__drop_*'] },
}
const SCOPED = { use: 'auth-none', config: { scopes: ['bench'] } }
const ENRICHMENT = (tool: string) => ({
  use: 'enrichment',
  config: {
    rules: [
      {
        name: 'who',
        match: { tools: [tool] },
        table: { key: 'principal.issuer', rows: { 'auth-none': 'anybody' } },
        merge: { text: true },
      },
    ],
  },
})
const DENYLIST = { use: 'denylist', config: { presets: ['infrastructure'] } }

/** Measures every call and traces none. */
const METRICS = { use: 'otel', config: { traces: { export: false }, metrics: { export: false } } }
/** Decides for every call that it is not traced, and passes that on. */
const UNSAMPLED = {
  use: 'otel',
  config: {
    otlp: { endpoint: 'http://127.0.0.1:9' },
    traces: { sampler: 'always_off' },
    metrics: { export: false, operations: false },
  },
}

const open = { plugins: [NONE], headers: {} }
const modern = { ...open, era: 'modern' } as const
const legacy = { ...open, era: 'legacy' } as const
/** What one more plugin costs: the case with it, compared to the case without. */
const withPlugins = { era: 'modern', group: 'plugins', over: 'no plugin but auth-none' } as const

/** In the order of the table. */
export const CASES: readonly Case[] = [
  { name: 'auth-none', ...modern, quick: true, gate: true },
  { name: 'auth-none-legacy', ...legacy, quick: true, gate: true },
  { name: 'modern to legacy', ...modern, upstream: { era: 'legacy' }, quick: true },
  { name: 'legacy to modern', ...legacy, upstream: { era: 'modern' }, quick: true },
  { name: 'all-SDK hop', ...legacy, hop: 'sdk', rival: 'auth-none-legacy', quick: true },

  { name: 'no plugin but auth-none', ...modern, group: 'plugins' },
  { name: 'denylist', ...withPlugins, plugins: [NONE, DENYLIST], headers: {} },
  {
    name: 'family-routing',
    ...withPlugins,
    plugins: [NONE, { use: 'family-routing' }],
    headers: {},
    family: true,
  },
  { name: 'rate-limit', ...withPlugins, plugins: [NONE, RATE_LIMIT], headers: {} },
  { name: 'audit', ...withPlugins, plugins: [NONE, AUDIT], headers: {} },
  { name: 'permissions', ...withPlugins, plugins: [SCOPED, PERMISSIONS], headers: {} },
  {
    name: 'enrichment, no rule for it',
    ...withPlugins,
    plugins: [NONE, ENRICHMENT('none_such')],
    headers: {},
  },
  {
    name: 'enrichment, a table',
    ...withPlugins,
    plugins: [NONE, ENRICHMENT('*')],
    headers: {},
  },
  { name: 'auth-api-key', ...withPlugins, plugins: [API_KEY], headers: { Authorization } },
  { name: 'auth-jwt', ...withPlugins, ...JWT },
  {
    name: 'upstream-auth',
    ...withPlugins,
    plugins: [NONE, { use: 'upstream-auth' }],
    headers: {},
    config: { defaults: { upstream: { auth: { mode: 'bearer', token: key } } } },
  },
  {
    name: 'auth-api-key+denylist',
    ...withPlugins,
    plugins: [API_KEY, DENYLIST],
    headers: { Authorization },
    quick: true,
    gate: true,
  },

  { name: 'otel, metrics', ...withPlugins, plugins: [NONE, METRICS], headers: {} },
  { name: 'otel, unsampled', ...withPlugins, plugins: [NONE, UNSAMPLED], headers: {} },

  { name: 'one event', ...modern, group: 'streams', upstream: { stream: 'one' } },
  {
    name: 'progress and result',
    ...modern,
    group: 'streams',
    upstream: { stream: 'progress' },
    quick: true,
    gate: true,
  },
  {
    name: 'progress and result, legacy',
    ...legacy,
    group: 'streams',
    upstream: { stream: 'progress' },
  },

  { name: '500 tools', ...modern, group: 'tools', upstream: { tools: 500 } },
  { name: '5,000 tools', ...modern, group: 'tools', upstream: { tools: 5_000 }, quick: true },

  { name: '64 KB', ...modern, group: 'payload', upstream: { size: 65_536 }, gate: true },
  { name: '1 MB', ...modern, group: 'payload', upstream: { size: 1_048_576 }, quick: true },

  { name: 'stdio', ...modern, group: 'stdio', upstream: { wire: 'stdio' }, quick: true },
  { name: 'stdio, legacy', ...legacy, group: 'stdio', upstream: { wire: 'stdio' } },

  { name: 'HTTP+SSE in', ...legacy, group: 'sse', transport: 'sse' },

  { name: '1 worker', ...modern, group: 'workers', config: { workers: 1 }, spread: true },
  { name: '2 workers', ...modern, group: 'workers', config: { workers: 2 }, spread: true },

  {
    name: 'list of 1,000',
    ...modern,
    group: 'lists',
    upstream: { tools: 1_000 },
    method: 'tools/list',
    quick: true,
  },
]

/** The upstream of a case. */
export function upstreamOf({ era, upstream }: Case): Upstream {
  return { ...UPSTREAM, era, ...upstream }
}

/** What tells an upstream from {@link UPSTREAM} of the modern era, in words; empty where nothing does. */
export function labelOf({ wire, era, tools, size, stream }: Upstream): string {
  return [
    wire === 'stdio' ? 'stdio' : '',
    era === 'legacy' ? 'legacy' : '',
    tools === UPSTREAM.tools ? '' : `${tools.toLocaleString('en')} tools`,
    size === UPSTREAM.size ? '' : bytes(size),
    { none: '', one: 'one event', progress: 'progress and result' }[stream],
  ]
    .filter((word) => word !== '')
    .join(', ')
}

function bytes(size: number): string {
  if (size % 1_048_576 === 0) return `${size / 1_048_576} MB`
  return size % 1024 === 0 ? `${size / 1024} KB` : `${size} B`
}

/** The arguments of upstream.ts for an upstream. */
export function flagsOf({ wire, era, tools, size, stream }: Upstream): string[] {
  const flags = ['--era', era, '--tools', `${tools}`, '--size', `${size}`, '--stream', stream]
  return wire === 'stdio' ? [...flags, '--stdio'] : flags
}

/**
 * The gateway's config file for a case: its plugins in front of one upstream.
 * @param upstream the server's URL, or the command that starts it
 */
export function configOf(one: Case, upstream: string | readonly string[]): string {
  const demo = typeof upstream === 'string' ? { url: upstream } : { command: upstream }
  const member = { ...demo, family: { name: 'family', instanceArg: 'instance' } }
  return JSON.stringify({
    listen: { host: '127.0.0.1', port: 0 },
    admin: false,
    upstreams: one.family === true ? { demo: member, twin: member } : { demo },
    plugins: one.plugins,
    ...one.config,
  })
}
