import { PRESETS } from '../../../plugins/denylist/presets.ts'
import type { Scope } from '../../fixtures/gateway.ts'
import { Wire } from '../wire/wire.ts'
import { AIMS, GUESSES, keyOf, type Scene } from './matrix.ts'
import { type Aim, type Key, may } from './oracle.ts'

export const PATHS = ['/mcp', '/mcp/support', '/mcp/ops']
export const ERAS = ['modern', 'legacy'] as const
export const KINDS = ['tool', 'prompt', 'resource', 'template'] as const

const LISTS = {
  tool: { method: 'tools/list', member: 'tools', name: 'name' },
  prompt: { method: 'prompts/list', member: 'prompts', name: 'name' },
  resource: { method: 'resources/list', member: 'resources', name: 'uri' },
  template: {
    method: 'resources/templates/list',
    member: 'resourceTemplates',
    name: 'uriTemplate',
  },
} as const

/** What the oracle says. */
export function allowed({ recipe }: Scene, key: Key, path: string, aim: Aim): boolean {
  return may(recipe, PRESETS.infrastructure, key, path, aim)
}

/**
 * Lists and asks for everything as everybody, at one endpoint in one era.
 * @returns what was other than the oracle says, in words
 */
export async function wrongs(
  scope: Scope,
  scene: Scene,
  path: string,
  era: (typeof ERAS)[number],
): Promise<string[]> {
  const found: string[] = []
  const taken = () => Object.values(scene.servers).flatMap((server) => server.taken())
  for (const key of scene.keys) {
    const wrong = (what: string) => void found.push(`${key.id} ${what}`)
    const who = await visitor(scope, scene, key, path, era)
    for (const kind of KINDS) {
      const expected = AIMS.filter((aim) => aim.kind === kind && listed(scene, key, path, aim))
      const names = [...new Set(expected.map((aim) => aim.listed))].sort().join()
      const seen = (await who.names(kind)).sort().join()
      if (seen !== names) wrong(`lists ${kind}s ${seen}, not ${names}`)
    }
    for (const aim of AIMS) {
      const { status, json } = await who.ask(aim.kind, aim.asked, aim.args)
      const got = taken()
      const said = JSON.stringify(json)
      if (allowed(scene, key, path, aim)) {
        const isGood = json.result !== undefined && json.result.isError !== true
        if (!isGood) wrong(`cannot use ${aim.asked}: ${said}`)
        if (got.length !== (aim.upstream === '' ? 0 : 1)) wrong(`${aim.asked} took ${got}`)
        continue
      }
      const isRefused = json.error !== undefined || json.result?.isError === true
      if (got.length > 0 || !isRefused) wrong(`used ${aim.asked}: ${said}`)
      // As if there were no such thing: no such tool, or no such cluster where it may use another.
      const isShared = AIMS.some(
        (other) => other.asked === aim.asked && allowed(scene, key, path, other),
      )
      const missing = isShared
        ? await who.ask(aim.kind, aim.asked, { cluster: 'none' })
        : await who.ask(aim.kind, strange(aim), aim.args)
      const unsaid = isShared ? namelessOf(said, aim) : nameless(said, aim)
      const same = nameless(JSON.stringify(missing.json)) === unsaid
      if (!same || status !== missing.status) wrong(`learns of ${aim.asked}: ${said}`)
    }
    for (const guess of GUESSES) {
      const { json } = await who.ask('tool', guess)
      if (json.error?.code !== -32602) wrong(`used ${guess}: ${JSON.stringify(json)}`)
    }
    if (taken().length > 0) wrong('reached a server by a guess')
    scene.clock.advance(1_000)
  }
  return found
}

/** A caller at a path in an era. */
async function visitor(
  scope: Scope,
  { gateway }: Scene,
  key: Key,
  path: string,
  era: (typeof ERAS)[number],
) {
  const wire = new Wire(scope, gateway.url.replace('/mcp', path))
  const auth = { 'x-api-key': keyOf(key) }
  const headers = era === 'legacy' ? { ...auth, ...(await wire.session(auth)) } : auth
  const post = (method: string, params: Record<string, unknown>) => {
    if (era === 'legacy') return wire.legacy(method, params, headers)
    const uri = typeof params.uri === 'string' ? { 'mcp-name': params.uri } : {}
    return wire.modern(method, params, { ...headers, ...uri })
  }
  return {
    async names(kind: Aim['kind']): Promise<string[]> {
      const { method, member, name } = LISTS[kind]
      const { json } = await post(method, {})
      return json.result[member].map((one: Record<string, string>) => one[name])
    },
    ask(kind: Aim['kind'], name: string, args: object = {}) {
      if (kind === 'tool') return post('tools/call', { name, arguments: args })
      if (kind === 'prompt') return post('prompts/get', { name })
      return post('resources/read', { uri: name })
    },
  }
}

/** A template is listed, or not, by its own name; what it would read is another question. */
function listed(scene: Scene, key: Key, path: string, aim: Aim): boolean {
  const asked = aim.kind === 'template' ? aim.listed : aim.asked
  return allowed(scene, key, path, { ...aim, asked })
}

/** A name of nothing. */
function strange({ kind }: Aim): string {
  return kind === 'tool' || kind === 'prompt' ? 'xx__nothing' : 'nothing:at/all'
}

/** Without what is another in every answer: its id, and what was asked for. */
function nameless(text: string, aim?: Aim): string {
  const same = aim === undefined ? text : text.replaceAll(aim.asked, strange(aim))
  return same.replace(/"id":\d+/, '').replace(/"requestId":"[^"]*"/, '')
}

/** The same where the tool is there and the cluster is not. */
function namelessOf(text: string, { args }: Aim): string {
  const [cluster = ''] = Object.values(args ?? {}).map(String)
  return nameless(text.replaceAll(`\\"${cluster}\\" is no`, '\\"none\\" is no'))
}
