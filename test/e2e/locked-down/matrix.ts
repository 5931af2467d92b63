import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { type RunningGateway, type Scope, startWith } from '../../fixtures/gateway.ts'
import { ROOT } from '../../house/plugins.ts'
import type { Aim, Key, Recipe } from './oracle.ts'
import { type Has, type Server, serverOf } from './servers.ts'

/** What the servers behind the recipe have. */
export const SERVERS: Readonly<Record<string, Has>> = {
  crm: {
    tools: ['search_customers', 'update_customer', 'delete_customer', 'purge_all', 'ping'],
    prompts: ['greet', 'delete_greeting'],
    resources: ['crm:customers/1', 'crm:secrets/1'],
    templates: ['crm:{kind}/{id}'],
  },
  files: {
    // The last is what another server's users may use, by the words of a server that would like to be used.
    tools: ['read_file', 'write_file', 'move_file', 'kubectl_apply', 'crm__search_customers'],
    prompts: ['crm__greet'],
    resources: ['file:///docs/a'],
    templates: ['file:///docs/{+path}'],
  },
  'k8s-eu': { tools: ['list_pods', 'drain_node', 'delete_pod'] },
  'k8s-us': { tools: ['list_pods', 'drain_node', 'delete_pod', 'cordon'] },
}

const FAMILY = { 'k8s-eu': 'eu', 'k8s-us': 'us' } as const

/** A plugin with tools of its own. */
export const OFFERS = `
import { definePlugin } from 'mcp-patchbay/sdk'
const tool = (name) => ({
  definition: { name, inputSchema: { type: 'object' } },
  call: () => ({ content: [{ type: 'text', text: 'done' }] }),
})
export default definePlugin({
  name: 'offers', version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({ tools: [tool('crm__score'), tool('whoami'), tool('delete_me'), tool('gateway__ping')] }),
})
`

const ALIASES = { find: 'search_customers', erase: 'delete_customer' }

/** Every entry by every name, and URIs that templates read. */
export const AIMS: readonly Aim[] = [
  ...Object.entries(SERVERS).flatMap(([upstream, has]) => [
    ...has.tools.map((own) =>
      upstream in FAMILY
        ? member(upstream as keyof typeof FAMILY, own)
        : named('tool', upstream, own),
    ),
    ...(has.prompts ?? []).map((own) => named('prompt', upstream, own)),
    ...(has.resources ?? []).map((uri) => read('resource', upstream, uri, uri)),
  ]),
  ...Object.entries(ALIASES).map(([alias, own]) => named('tool', 'crm', own, alias)),
  { ...member('k8s-eu', 'list_pods', 'k8s-eu__pods'), args: {} },
  read('template', 'crm', 'crm:{kind}/{id}', 'crm:customers/2'),
  read('template', 'crm', 'crm:{kind}/{id}', 'crm:secrets/2'),
  read('template', 'files', 'file:///docs/{+path}', 'file:///docs/b'),
  ...['crm__score', 'whoami', 'delete_me', 'gateway__ping'].map(
    (name): Aim => ({
      kind: 'tool',
      listed: name,
      asked: name,
      upstream: '',
      names: [name],
      own: name,
    }),
  ),
]

/** Names that nobody gave anything, but that somebody could try. */
export const GUESSES = [
  'delete_customer',
  'search_customers',
  'purge_all',
  'erase',
  'crm__move_file',
  'files__delete_customer',
  'kubectl_apply',
  'CRM__search_customers',
  'k8s-eu__list_pods',
  'k8s-us__drain_node',
  'kubernetes__pods',
]

/** A tool of a member of the family, as the family's tool or by an alias of its own. */
function member(upstream: keyof typeof FAMILY, own: string, alias?: string): Aim {
  const family = `kubernetes__${own}`
  const name = alias ?? family
  const names = [name, `${upstream}__${own}`, family]
  const args = { cluster: FAMILY[upstream] }
  return { kind: 'tool', listed: name, asked: name, args, upstream, names, own }
}

function named(kind: 'tool' | 'prompt', upstream: string, own: string, alias = own): Aim {
  const name = `${upstream}__${alias}`
  const names = [name, `${upstream}__${own}`]
  return { kind, listed: name, asked: name, upstream, names, own }
}

function read(kind: 'resource' | 'template', upstream: string, name: string, uri: string): Aim {
  return { kind, listed: name, asked: uri, upstream, names: [name], own: name }
}

/** The recipe runs, with keys that somebody has. */
export interface Scene {
  readonly gateway: RunningGateway
  readonly recipe: Recipe
  readonly servers: Readonly<Record<string, Server>>
  readonly keys: readonly Key[]
  readonly clock: FakeClock
}

/** The key that a caller presents. */
export function keyOf({ id }: Key): string {
  return `the key of ${id}, which is long enough`
}

/** The recipe as it stands in the repository, read without references. */
export function recipe(): Recipe {
  return parse(readFileSync(join(ROOT, 'config/examples/locked-down.yaml'), 'utf8')) as Recipe
}

/** @param without plugin lines that are left out */
export async function scene(scope: Scope, without: readonly string[] = []): Promise<Scene> {
  const read = recipe() as Recipe & { upstreams: Record<string, object> }
  const servers: Record<string, Server> = {}
  for (const [id, has] of Object.entries(SERVERS)) servers[id] = await serverOf(scope, has)
  const auth = read.plugins.find(({ use }) => use === 'auth-api-key')?.config as unknown as {
    keys: readonly Key[]
  }
  const keys = auth.keys.map((key) => ({
    ...key,
    sha256: createHash('sha256').update(keyOf(key)).digest('hex'),
  }))
  const clock = new FakeClock()
  const plugins = read.plugins
    .filter(({ use }) => !without.includes(use))
    .map((line) => (line.use === 'auth-api-key' ? { ...line, config: { ...auth, keys } } : line))
  const config = {
    ...read,
    data: './data',
    upstreams: Object.fromEntries(
      Object.entries(read.upstreams).map(([id, one]) => [id, { ...one, url: servers[id]?.url }]),
    ),
    plugins: [...plugins, { use: './offers.ts' }],
  }
  const gateway = await startWith(scope, config, { files: { 'offers.ts': OFFERS }, clock })
  await gateway.ready()
  return { gateway, recipe: read, servers, keys, clock }
}
