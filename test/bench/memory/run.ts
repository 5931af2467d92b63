/**
 * What the gateway holds, and whether it lets go: sessions, listen streams, restarts of a stdio server, calls.
 *
 *   npm run bench:memory                    everything, about four minutes
 *   npm run bench:memory -- --quick         a tenth of it
 *   npm run bench:memory -- streams calls   some subjects: sessions, streams, calls, restarts
 *   --json memory.json   --markdown memory.md   --snapshots folder   heaps with everything open, for DevTools
 *
 * The gateway is a process of its own; this one is its clients. Heap is what V8 says is in use after collecting
 * all garbage. A smaller wave comes first, so that code and pools are there; then two waves, each dropped
 * impolitely: sockets destroyed or reset, nothing ended. A bare server of Node's holds the same streams beside ours.
 * A target that is missed ends the run with code 1.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Started, start, stopAll } from '../process.ts'
import { machine } from '../report/rows.ts'
import { drop, openSessions, openStreams, streamRequest } from './crowd.ts'
import { Measured } from './measured.ts'
import { answering, callAll } from './mix.ts'
import { type Line, linesOfRepeats, linesOfWaves, markdownOf, type Waves } from './report.ts'

const SUBJECTS = ['sessions', 'streams', 'calls', 'restarts'] as const
/** File descriptors besides one per stream. */
const OTHER_FILES = 200
/** What comes before the first wave. */
const FEW = 100
/** Sessions that a gateway remembers in memory (core/inbound/sessions.ts). */
const REMEMBERED = 10_000
const SESSION_TARGET = 4 * 1024
const STREAM_TARGET = 16 * 1024
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))

let folder: string | undefined
let snapshots: string | undefined

/** Servers of both eras, for all gateways. */
let servers: Promise<Started[]> | undefined

/** A gateway in front of a server of each era. */
async function gateway(): Promise<Measured> {
  folder ??= await mkdtemp(join(tmpdir(), 'patchbay-memory-'))
  servers ??= Promise.all(
    ['modern', 'legacy'].map((era) => start([here('server.ts'), era], undefined)),
  )
  const [modern, legacy] = await servers
  const config = {
    // All streams are one principal's.
    listen: { host: '127.0.0.1', port: 0, streams: 100_000 },
    admin: false,
    upstreams: { modern: { url: modern?.url }, legacy: { url: legacy?.url } },
    plugins: [{ use: 'auth-none' }],
  }
  const file = join(folder, 'patchbay.yaml')
  await writeFile(file, JSON.stringify(config))
  const main = here('../../../core/boot/main.ts')
  const measured = await Measured.start([main, 'start', file], undefined)
  await answering(measured.url)
  return measured
}

/** Opens many of something and drops them, a few first, then twice all. */
async function waves(
  name: string,
  count: number,
  measured: Measured,
  open: (count: number) => Promise<() => void>,
): Promise<Waves> {
  say(`${name}: warming up`)
  const few = await open(FEW)
  few()
  const before = await measured.atRest()
  say(`${name}: the first wave`)
  const first = await open(count)
  const opened = await measured.atRest()
  if (snapshots !== undefined) {
    await measured.census(join(snapshots, `${name.replaceAll(' ', '-')}.heapsnapshot`))
  }
  first()
  const end = await measured.atRest()
  say(`${name}: the second wave`)
  const second = await open(count)
  second()
  return { name, count, before, open: opened, ends: [end, await measured.atRest()] }
}

async function sessions(count: number): Promise<Line[]> {
  const measured = await gateway()
  // Idle sessions hold no connection: a wave of as many as are remembered takes the place of the one before.
  const found = await waves('legacy sessions', count, measured, async (many) => {
    await openSessions(measured.url, many)
    return () => {}
  })
  await measured.stop()
  return linesOfWaves(found, SESSION_TARGET)
}

async function streams(count: number): Promise<Line[]> {
  const bare = await Measured.start([here('bare.ts')], undefined)
  const openBare = async (many: number) => {
    const request = streamRequest(bare.url)
    const open = await openStreams(bare.url, many, () => request)
    return () => drop(open)
  }
  const beside = await waves('streams of a bare Node.js server', count, bare, openBare)
  await bare.stop()
  const modern = await gateway()
  const openModern = async (many: number) => {
    const request = streamRequest(modern.url)
    const open = await openStreams(modern.url, many, () => request)
    return () => drop(open)
  }
  const ours = await waves('listen streams (2026-07-28)', count, modern, openModern)
  await modern.stop()
  const legacy = await gateway()
  // Its memory for sessions is full: what a wave adds is streams.
  await openSessions(legacy.url, REMEMBERED)
  const openLegacy = async (many: number) => {
    const ids = await openSessions(legacy.url, many)
    const open = await openStreams(legacy.url, many, (n) => streamRequest(legacy.url, ids[n]))
    return () => drop(open)
  }
  const older = await waves('streams of legacy sessions', count, legacy, openLegacy)
  await legacy.stop()
  return [
    ...linesOfWaves(beside, undefined),
    ...linesOfWaves(ours, STREAM_TARGET),
    ...linesOfWaves(older, STREAM_TARGET),
  ]
}

async function restarts(count: number): Promise<Line[]> {
  const measured = await Measured.start([here('restarts.ts')], undefined)
  const half = Math.ceil(count / 2)
  say(`restarts: ${count}`)
  await measured.order({ restarts: Math.ceil(count / 20) }, 'restarted')
  const before = await measured.atRest()
  await measured.order({ restarts: half }, 'restarted')
  const middle = await measured.atRest()
  await measured.order({ restarts: half }, 'restarted')
  const end = await measured.atRest()
  await measured.stop()
  return linesOfRepeats({ name: 'restarts of a stdio server', count, looks: [before, middle, end] })
}

async function calls(count: number): Promise<Line[]> {
  const measured = await gateway()
  const half = Math.ceil(count / 2)
  say(`calls: ${count}`)
  await callAll(measured.url, Math.ceil(count / 20))
  const before = await measured.atRest()
  await callAll(measured.url, half)
  const middle = await measured.atRest()
  await callAll(measured.url, half)
  const end = await measured.atRest()
  await measured.stop()
  const name = 'calls: JSON, streams, errors, cancelled'
  return linesOfRepeats({ name, count, looks: [before, middle, end] })
}

/** How many streams this process can hold open: as many as asked, or what the system allows, said loudly. */
async function affordable(count: number): Promise<number> {
  // Node.js has raised its soft limit to the hard one; the gateway has the same.
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const most = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY)
  if (most >= count + OTHER_FILES) return count
  const fewer = most - OTHER_FILES
  console.error(
    `ONLY ${fewer} STREAMS INSTEAD OF ${count}: this system allows ${most} open files. Raise it: ulimit -n ${count + OTHER_FILES}`,
  )
  return fewer
}

function say(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

async function cleanUp(): Promise<void> {
  await stopAll()
  if (folder !== undefined) await rm(folder, { recursive: true, force: true })
}

let interrupted = false
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => {
    interrupted = true
    cleanUp().finally(() => process.exit(code))
  })
}

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      markdown: { type: 'string' },
      snapshots: { type: 'string' },
    },
  })
  const unknown = positionals.find((name) => SUBJECTS.every((subject) => subject !== name))
  if (unknown !== undefined) {
    throw new Error(`no subject "${unknown}". Subjects: ${SUBJECTS.join(', ')}`)
  }
  snapshots = values.snapshots
  const part = values.quick ? 10 : 1
  const measure = {
    sessions: () => sessions(REMEMBERED),
    streams: async () => streams(await affordable(10_000 / part)),
    restarts: () => restarts(1_000 / part),
    calls: () => calls(200_000 / part),
  }
  const about = machine()
  const { cpu, system, node, date } = about
  const chosen = SUBJECTS.filter((one) => positionals.length === 0 || positionals.includes(one))
  // Starting a server a thousand times takes as long as all the rest, and nothing here is timed.
  const beside = chosen.includes('restarts') ? measure.restarts() : Promise.resolve([])
  beside.catch(() => {})
  const lines: Line[] = []
  for (const subject of chosen) {
    lines.push(...(await (subject === 'restarts' ? beside : measure[subject]())))
  }
  say('')
  const text = `${cpu}, ${system}, Node ${node}, ${date}\n\n${markdownOf(lines)}\n`
  console.log(text)
  if (values.json !== undefined) {
    await writeFile(values.json, `${JSON.stringify({ machine: about, lines }, null, 2)}\n`)
  }
  if (values.markdown !== undefined) await writeFile(values.markdown, text)
  if (lines.some(({ met }) => !met)) process.exitCode = 1
} catch (cause) {
  say('')
  if (!interrupted) console.error(`bench:memory: ${(cause as Error).message}`)
  process.exitCode = 1
} finally {
  await cleanUp()
}
