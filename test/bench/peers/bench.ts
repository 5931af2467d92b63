/** Peers, ours and the all-SDK hop in front of the same upstreams, in one group. */

import { writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CASES, type Case, flagsOf, labelOf, UPSTREAM, type Upstream } from '../cases.ts'
import { FLOOR, startGroup, type Target } from '../group.ts'
import {
  answers,
  type Failed,
  firstAnswer,
  LOAD,
  measureTargets,
  type Place,
  type Plan,
} from '../measure.ts'
import { launch, startProgram, stopAll } from '../process.ts'
import type { Series } from '../report/rows.ts'
import { findPeers, type Installed } from './install.ts'

/** What was measured, and who is not in it for which reason. */
export interface PeerRun {
  readonly series: readonly Series[]
  readonly versions: Readonly<Record<string, string>>
  readonly missing: readonly { readonly name: string; readonly reason: string }[]
}

/** Milliseconds a peer may take until a call comes through: some start servers first. */
const STARTS = 60_000
/**
 * Only these slices for a peer that starts a process for each session: 64 of them
 * would need gigabytes.
 */
const HEAVY = { single: 1, crowd: 1, wide: 0 }

/** Measures every peer that is there. One that does not start is named and left out. */
export async function measurePeers(plan: Plan, place: Place): Promise<PeerRun> {
  const { found, missing } = findPeers(place.say)
  const left = missing.map(({ peer, reason }) => ({ name: peer.name, reason }))
  const rivals = new Set([
    'all-SDK hop',
    'auth-none-legacy',
    ...found.map(({ peer }) => peer.rival),
  ])
  const cases = CASES.filter(({ name }) => rivals.has(name)).map((one): Case => {
    return { ...one, group: 'peers' }
  })
  const upstreams = new Map<string, string>()
  try {
    const load = launch([LOAD], place.cores.load, 'inherit')
    const targets = await startGroup({
      group: 'peers',
      cases,
      cores: place.cores,
      folder: place.folder,
      direct: plan.direct,
      ready: (target) => answers(load, target),
      started: (label, url) => void upstreams.set(label, url),
    })
    const own = targets.length
    for (const one of found) {
      place.say(`peers: starting ${one.peer.name}`)
      try {
        const { target, running } = await startPeer(one, place, upstreams)
        const named = one.peer.tools.map((tool) => ({ ...target, aim: { ...target.aim, tool } }))
        targets.push(await firstAnswer(load, named, STARTS, running))
      } catch (cause) {
        left.push({ name: one.peer.name, reason: (cause as Error).message })
      }
    }
    const others = new Set(targets.slice(own))
    const failed: Failed = (target, cause) => {
      if (!others.has(target)) throw cause
      left.push({ name: target.name, reason: cause.message })
    }
    const series = await measureTargets('peers', targets, load, plan, place.say, failed)
    const versions = Object.fromEntries(found.map(({ peer, version }) => [peer.name, version]))
    return { series, versions, missing: left }
  } finally {
    await stopAll()
  }
}

async function startPeer(
  { peer, program, version }: Installed,
  { cores, folder }: Place,
  urls: ReadonlyMap<string, string>,
): Promise<{ target: Target; running: () => boolean }> {
  const upstream: Upstream = { ...UPSTREAM, ...peer.upstream }
  const label = labelOf(upstream)
  const port = await freePort()
  const script = fileURLToPath(new URL('../upstream.ts', import.meta.url))
  const args = peer.args({
    port,
    url: urls.get(labelOf({ ...upstream, wire: 'http' })) ?? '',
    command: [process.execPath, script, ...flagsOf({ ...upstream, wire: 'stdio' })],
    file(name, content) {
      const path = join(folder, name)
      writeFileSync(path, JSON.stringify(content, null, 2))
      return path
    },
  })
  const { pid, running } = startProgram([...program, ...args], cores.measured)
  const target: Target = {
    name: `${peer.name} ${version}`,
    aim: {
      url: `http://127.0.0.1:${port}${peer.path}`,
      era: peer.era,
      tool: peer.tools[0] as string,
      headers: {},
      transport: peer.transport,
    },
    watch: [pid],
    direct: undefined,
    floor: label === '' ? FLOOR : `${FLOOR}, ${label}`,
    over: undefined,
    rival: peer.rival,
    wires: `${peer.transport === 'sse' ? 'HTTP+SSE' : peer.era} → ${upstream.wire === 'stdio' ? 'stdio, ' : ''}${upstream.era}`,
    ...(peer.heavy === true ? { most: HEAVY } : {}),
  }
  return { target, running }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
