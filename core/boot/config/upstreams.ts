import { resolve } from 'node:path'
import picomatch from 'picomatch'
import type { UpstreamNames } from '../../catalog/catalog.ts'
import type { NamedTools, Timeouts, UpstreamConfig } from '../../outbound/settings.ts'
import type { Path } from './config-file.ts'
import { isRecord, type Node } from './schema-walk.ts'
import { UPSTREAM_DEFAULTS_SCHEMA } from './upstream-schema.ts'
import { checkAgainst } from './validator.ts'

/** Tells of a problem at a path of the config. */
export type Report = (path: Path, reason: string, hint?: string) => void

const HTTP_ONLY = ['transport', 'allowH2', 'headers', 'forwardHeaders']
const STDIO_ONLY = ['args', 'env', 'cwd']

/** The gateway's own business, or the other upstreams': never copied from a client's request. */
const NOT_FORWARDED =
  /^(?:authorization|cookie|x-api-key|host|origin|connection|keep-alive|te|trailer|transfer-encoding|upgrade|accept|content-.*|proxy-.*|mcp-.*)$/

/** What no schema can say of an upstream as it was written. Takes values of any type: a schema judges those. */
export function judgeUpstream(path: Path, source: Node, report: Report): void {
  const at = (...keys: (string | number)[]): Path => [...path, ...keys]
  const { url, command } = source
  if (url === undefined && command === undefined) {
    report(path, 'needs `url` or `command`', 'An endpoint to call, or a program to run.')
  }
  if (url !== undefined && command !== undefined) {
    report(at('command'), 'has both `url` and `command`', 'Keep one: they are two upstreams.')
  } else if (url !== undefined || command !== undefined) {
    const [other, foreign] = url === undefined ? ['command', HTTP_ONLY] : ['url', STDIO_ONLY]
    for (const key of foreign) {
      if (source[key] !== undefined) {
        report(at(key), `means nothing beside \`${other}\``, 'Take it out.')
      }
    }
  }
  if (typeof url === 'string') judgeUrl(at('url'), url, report)
  if (typeof command === 'string' && /\s/.test(command) && !/^\S*[/\\]/.test(command)) {
    const hint = 'No shell reads it. Write a list: `command: [program, argument, …]`.'
    report(at('command'), 'looks like a whole command line', hint)
  }
  judgeCommon(path, source, report)
}

/** The same of what may also stand in `defaults.upstream`: neither place is a way around these rules. */
export function judgeCommon(path: Path, source: Node, report: Report): void {
  const at = (...keys: (string | number)[]): Path => [...path, ...keys]
  if (Array.isArray(source.forwardHeaders)) {
    for (const [index, name] of source.forwardHeaders.entries()) {
      if (typeof name === 'string' && NOT_FORWARDED.test(name.toLowerCase())) {
        const hint =
          "Credentials for upstreams come from `headers` or a plugin, never from the client's."
        report(at('forwardHeaders', index), `the header ${name} is never passed on`, hint)
      }
    }
  }
  const { tools } = source
  if (isRecord(tools)) judgeTools(at('tools'), tools, source.timeouts, report)
}

function judgeUrl(path: Path, url: string, report: Report): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed?.protocol !== 'http:' && parsed?.protocol !== 'https:') {
    report(path, 'is not an http or https URL', 'For example `https://crm.example/mcp`.')
  } else if (parsed.username !== '' || parsed.password !== '') {
    report(path, 'holds a user name or password', 'Send them in `headers`.')
  }
}

function judgeTools(path: Path, tools: Node, timeouts: unknown, report: Report): void {
  const takes = takenBy(tools)
  const rename = Object.entries(texts(tools.rename))
  const alias = Object.entries(texts(tools.alias))
  const leftOut = 'include and exclude leave that tool out'
  const named = new Map<string, string>()
  const name = (at: Path, to: string, from: string): void => {
    const other = named.get(to)
    if (other === undefined) named.set(to, from)
    else
      report(at, `gives the name ${to} to ${from}, but ${other} has it already`, 'Choose another.')
  }
  for (const [from, to] of rename) {
    const at = [...path, 'rename', from]
    if (takes(from)) name(at, to, from)
    else report(at, leftOut, 'Take it out, or include the tool.')
  }
  for (const [to, from] of alias) {
    const at = [...path, 'alias', to]
    if (takes(from)) name(at, to, from)
    else report(at, `${from} cannot get an alias: ${leftOut}`, 'Take it out, or include the tool.')
  }
  if (!isRecord(timeouts)) return
  for (const tool of Object.keys(timeouts)) {
    const at = [...path.slice(0, -1), 'timeouts', tool]
    if (!takes(tool)) report(at, leftOut, 'Take it out, or include the tool.')
  }
}

/** Refuses ids that would make names ambiguous, and prefixes that two enabled upstreams share. */
export function judgeNames(
  upstreams: readonly {
    readonly id: string
    readonly prefix: unknown
    readonly enabled: boolean
  }[],
  separator: unknown,
  report: Report,
): void {
  const owners = new Map<string, string>()
  for (const { id, prefix = id, enabled } of upstreams) {
    const path = ['upstreams', id]
    if (!/^[A-Za-z0-9_-]+$/.test(id)) {
      report(path, 'is not a usable id', 'Use letters, digits, _ and -.')
    } else if (typeof separator === 'string' && separator !== '' && id.includes(separator)) {
      const hint = 'Choose another id, or set `names.separator`.'
      report(path, `the id holds the separator \`${separator}\``, hint)
    }
    if (!enabled || typeof prefix !== 'string' || prefix === '') continue
    const owner = owners.get(prefix)
    if (owner === undefined) owners.set(prefix, id)
    else report(path, `ids collide: ${owner} has the prefix ${prefix} too`, 'Set another `prefix`.')
  }
}

/** An upstream that passed every check, with what its config leaves out filled in. */
export function buildUpstream(
  id: string,
  own: Node,
  defaults: Node,
  folder: string,
): { config: UpstreamConfig; names: UpstreamNames } {
  const foreign = own.url === undefined ? HTTP_ONLY : STDIO_ONLY
  const fitting = Object.entries(defaults).filter(([key]) => !foreign.includes(key))
  const all = { ...builtIn(), ...Object.fromEntries(fitting), ...own } as unknown as Settings
  const { url, command, args = [], cwd, totalTimeout, prefix = id, tools = {}, ...rest } = all
  const config: UpstreamConfig = {
    id,
    ...(url === undefined ? {} : { url }),
    ...(command === undefined ? {} : { command: [command, args].flat() }),
    transport: rest.transport,
    era: rest.era,
    allowH2: rest.allowH2,
    headers: lowerKeys(rest.headers),
    forwardHeaders: [...new Set(rest.forwardHeaders.map((name) => name.toLowerCase()))],
    env: rest.env,
    cwd: resolve(folder, cwd ?? '.'),
    enabled: rest.enabled,
    timeout: rest.timeout,
    ...(totalTimeout === undefined ? {} : { totalTimeout }),
    timeouts: rest.timeouts,
    connectTimeout: rest.connectTimeout,
    session: rest.session,
    maxSessions: rest.maxSessions,
    sessionIdle: rest.sessionIdle,
    whenDown: rest.whenDown,
    grace: rest.grace,
    trustAnnotations: rest.trustAnnotations,
    named: namedTools(tools, rest.timeouts),
    refresh: rest.refresh,
  }
  const names: UpstreamNames = {
    id,
    prefix,
    takes: takenBy(tools),
    rename: new Map(Object.entries(texts(tools.rename))),
    alias: new Map(Object.entries(texts(tools.alias))),
    refresh: rest.refresh,
  }
  return { config, names }
}

/** What a checked upstream holds once defaults are filled in. */
interface Settings {
  readonly url?: string
  readonly command?: string | readonly string[]
  readonly args?: readonly string[]
  readonly transport: UpstreamConfig['transport']
  readonly era: UpstreamConfig['era']
  readonly allowH2: boolean
  readonly headers: Readonly<Record<string, string>>
  readonly forwardHeaders: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly enabled: boolean
  readonly prefix?: string
  readonly tools?: Node
  readonly timeout: number
  readonly totalTimeout?: number
  readonly timeouts: Readonly<Record<string, Timeouts>>
  readonly connectTimeout: number
  readonly session: 'shared' | 'per-client'
  readonly maxSessions: number
  readonly sessionIdle: number
  readonly whenDown: 'keep' | 'hide'
  readonly grace: number
  readonly trustAnnotations: boolean
  readonly refresh: number
}

function builtIn(): Node {
  return checkAgainst(UPSTREAM_DEFAULTS_SCHEMA, {}).value as Node
}

function takenBy({ include, exclude }: Node): (name: string) => boolean {
  const globs = (list: unknown) =>
    picomatch(
      Array.isArray(list) ? list.filter((one) => typeof one === 'string' && one !== '') : [],
      {
        dot: true,
      },
    )
  const included = include === undefined ? () => true : globs(include)
  const excluded = exclude === undefined ? () => false : globs(exclude)
  return (name) => included(name) && !excluded(name)
}

/** Every name and glob that stands for tools. */
function namedTools(tools: Node, timeouts: object): NamedTools[] {
  const globs = (key: 'include' | 'exclude'): NamedTools[] =>
    (Array.isArray(tools[key]) ? (tools[key] as string[]) : []).map((glob) => ({
      setting: `tools.${key} "${glob}"`,
      matches: picomatch(glob, { dot: true }),
    }))
  const exact = (setting: string, names: readonly string[]): NamedTools[] =>
    names.map((name) => ({ setting: `${setting} "${name}"`, matches: (tool) => tool === name }))
  return [
    ...globs('include'),
    ...globs('exclude'),
    ...exact('tools.rename', Object.keys(texts(tools.rename))),
    ...exact('tools.alias', Object.values(texts(tools.alias))),
    ...exact('timeouts', Object.keys(timeouts)),
  ]
}

function texts(value: unknown): Record<string, string> {
  if (!isRecord(value)) return {}
  const entries = Object.entries(value).filter(([, text]) => typeof text === 'string')
  return Object.fromEntries(entries) as Record<string, string>
}

function lowerKeys(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value]),
  )
}
