/** The processes of one group: its upstreams, what calls them directly, its floors and its cases. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type Case,
  configOf,
  flagsOf,
  type Group,
  labelOf,
  type Upstream,
  upstreamOf,
} from './cases.ts'
import type { Cores, Pinning } from './process.ts'
import { start } from './process.ts'
import type { Aim } from './wire.ts'

/** What one process is called for. */
export interface Target {
  readonly name: string
  /** Where calls go and in which shape. */
  readonly aim: Aim
  /** The process to be charged, and its upstream where that is a process of its own. */
  readonly watch: readonly number[]
  /** The same calls without a hop: a target's name; absent where there is none. */
  readonly direct: string | undefined
  /** The floor of the same upstream: a target's name; absent for direct calls. */
  readonly floor: string | undefined
  /** The target of whose cost its own is a part. */
  readonly over: string | undefined
  /** The target of ours that has the same wires on both sides. */
  readonly rival?: string | undefined
  /** In which shape clients and upstream speak. */
  readonly wires: string
  /** Fewer slices in a round than the plan has. */
  readonly most?: { readonly single: number; readonly crowd: number; readonly wide: number }
  /** Bytes of its heap after a collection; null where that cannot be known. */
  readonly heap?: () => Promise<number | null>
}

/** What {@link startGroup} needs to know. */
export interface Setting {
  readonly group: Group
  readonly cases: readonly Case[]
  readonly cores: Cores
  /** A folder for config files. */
  readonly folder: string
  /** Whether direct calls are measured. */
  readonly direct: boolean
  /** Called with each target before the next process starts; waits until it answers. */
  ready(target: Target): Promise<void>
  /** Called with the label and URL of each upstream. */
  started?(label: string, url: string): void
}

/** What calls go to when a case asks for nothing else. */
export const FLOOR = 'floor'
const MEMORY = 'the same bytes from memory'
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))
const PROBE = ['--import', new URL('heap-probe.ts', import.meta.url).href]
const MAIN = here('../../core/boot/main.ts')

/** The process that stands in front of the upstreams, and how the table calls what it speaks. */
interface Behind {
  readonly upstream: Upstream
  readonly label: string
  /** The URL, or the command of a server on pipes. */
  readonly at: string | readonly string[]
  readonly pid: number | undefined
}

/** Starts everything a group needs. What it has started is ended by `stopAll`. */
export async function startGroup(setting: Setting): Promise<Target[]> {
  const { cases, cores, ready } = setting
  const targets: Target[] = []
  const add = async (target: Target) => {
    await ready(target)
    targets.push(target)
  }
  const upstreams = new Map<string, Behind>()
  for (const upstream of cases.map(upstreamOf)) {
    const label = labelOf(upstream)
    if (upstreams.has(label)) continue
    const behind = await startUpstream(upstream, cores)
    upstreams.set(label, behind)
    if (typeof behind.at === 'string') setting.started?.(label, behind.at)
    if (typeof behind.at !== 'string' || behind.pid === undefined) continue
    if (!setting.direct || setting.group === 'lists') continue
    await add({
      name: named('direct', label),
      aim: aimAt(behind.at, upstream, upstream.era, 'echo'),
      watch: [behind.pid],
      direct: undefined,
      floor: undefined,
      over: undefined,
      wires: `${upstream.era}`,
    })
  }
  if (setting.group !== 'lists') {
    for (const behind of upstreams.values()) await add(await startFloor(behind, setting))
  }
  for (const one of cases) {
    const behind = upstreams.get(labelOf(upstreamOf(one))) as Behind
    const target = await startCase(one, behind, setting)
    if (one.method === 'tools/list') await add(await startMemory(one, target, setting))
    await add(target)
  }
  return targets
}

async function startUpstream(upstream: Upstream, cores: Cores): Promise<Behind> {
  const args = [here('upstream.ts'), ...flagsOf(upstream)]
  const label = labelOf(upstream)
  if (upstream.wire === 'stdio') {
    return { upstream, label, at: [process.execPath, ...args], pid: undefined }
  }
  const { url, pid } = await start(args, cores.upstream)
  return { upstream, label, at: url, pid }
}

async function startFloor({ upstream, label, at, pid }: Behind, setting: Setting): Promise<Target> {
  const args =
    typeof at === 'string'
      ? [here('floor.ts'), at, upstream.era]
      : [here('targets/stdio-floor.ts'), ...at]
  const started = await start([...PROBE, ...args], measuredOn(setting, setting.cases))
  return {
    name: named(FLOOR, label),
    // It relays calls as they are: the legacy upstream minds nothing of the modern envelope.
    aim: aimAt(started.url, upstream, 'modern', 'demo__echo'),
    watch: [started.pid, ...(pid === undefined ? [] : [pid])],
    direct: directOf(setting, at, label),
    floor: named(FLOOR, label),
    over: undefined,
    wires: `HTTP → ${upstream.wire}`,
    heap: started.heap,
  }
}

/** A list from memory instead of a floor: its bytes are the gateway's own. */
async function startMemory(one: Case, gateway: Target, setting: Setting): Promise<Target> {
  await setting.ready(gateway)
  const args = [here('targets/list-server.ts'), gateway.aim.url]
  const started = await start([...PROBE, ...args], setting.cores.measured)
  return {
    name: MEMORY,
    aim: { ...gateway.aim, url: started.url },
    watch: [started.pid],
    direct: undefined,
    floor: MEMORY,
    over: undefined,
    wires: one.era,
    heap: started.heap,
  }
}

async function startCase(one: Case, behind: Behind, setting: Setting): Promise<Target> {
  const { upstream, label, at, pid } = behind
  const started = await start(await argsOf(one, at, setting), measuredOn(setting, [one]))
  const url = one.transport === 'sse' ? started.url.replace(/\/mcp$/, '/sse') : started.url
  const isFamily = one.family === true
  const aim = aimAt(url, upstream, one.era, isFamily ? 'family__echo' : 'demo__echo')
  return {
    name: one.name,
    aim: {
      ...aim,
      headers: one.headers,
      ...(isFamily ? { args: { instance: 'twin' } } : {}),
      ...(one.method === undefined ? {} : { method: one.method }),
      ...(one.transport === undefined ? {} : { transport: one.transport }),
    },
    watch: [started.pid, ...(pid === undefined ? [] : [pid])],
    direct: directOf(setting, at, label),
    floor: one.method === 'tools/list' ? MEMORY : named(FLOOR, label),
    over: one.over,
    rival: one.rival,
    wires: `${one.transport === 'sse' ? 'HTTP+SSE' : one.era} → ${upstream.wire === 'stdio' ? 'stdio, ' : ''}${upstream.era}`,
    heap: started.heap,
  }
}

async function argsOf(one: Case, at: Behind['at'], { folder }: Setting): Promise<string[]> {
  if (one.hop === 'sdk') return [...PROBE, here('targets/sdk-hop.ts'), at as string]
  const file = join(folder, `${one.name.replaceAll(/[^\w-]+/g, '_')}.yaml`)
  await writeFile(file, configOf(one, at))
  return [...PROBE, MAIN, 'start', file]
}

/** One core, or all but none where a case is spread: then its floor is, too. */
function measuredOn({ cores }: Setting, cases: readonly Case[]): Pinning {
  return cases.some(({ spread }) => spread === true) ? undefined : cores.measured
}

function directOf({ direct, group }: Setting, at: Behind['at'], label: string): string | undefined {
  return direct && group !== 'lists' && typeof at === 'string' ? named('direct', label) : undefined
}

function aimAt(url: string, { stream }: Upstream, era: Aim['era'], tool: string): Aim {
  const progress = stream === 'progress' ? { progress: true } : {}
  return { url, era, tool, headers: {}, ...progress }
}

function named(what: string, label: string): string {
  return label === '' ? what : `${what}, ${label}`
}
