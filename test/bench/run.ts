/**
 * What one hop through the gateway costs, as a ratio to a bare relay (floor.ts) in the same run.
 *
 *   npm run bench                          everything, about three minutes
 *   npm run bench -- --quick               shorter rounds, under one minute
 *   npm run bench -- floor                 the floor alone
 *   npm run bench -- auth-none             one case (cases.ts has the names) and the floor
 *   npm run bench -- --contract            what hooks, rounds, nested calls and shadow lines cost: the kernel alone
 *   npm run bench -- --json result.json    the table's figures and every round's, in a file
 *   --rounds 5   --tools 20   --size 64    rounds; tools the upstream has; bytes of text in a result
 *
 * How it is measured
 * - Everything is a process of its own, on loopback: upstream.ts answers from prebuilt strings, load.ts
 *   calls in closed loop over raw sockets. The measured process has one core to itself; load and
 *   upstream have others, or share the second of two. `load` and `upstream` in the table are their
 *   shares of a core while 16 connections call: only while the two stay below 100 % on a shared core
 *   is `calls/s` the figure of the measured process rather than theirs. CPU per call does not depend on it.
 * - `CPU/call` is what the scheduler charged to the measured process, all its threads, while 16
 *   connections called, divided by the calls. Read from /proc; elsewhere the column is empty.
 * - `p50` is the latency at one connection, `added` what is left of it without the p50 of the same
 *   calls sent directly to the upstream.
 * - Machines, rented ones above all, change speed from one second to the next, by half and more. So a
 *   round returns to all targets again and again, in random order, a tenth of a second each, and takes the
 *   lower quartile of a target's slices: what a call costs when nobody else disturbs. Ratios are taken
 *   within a round; the table shows their median over the rounds, the lowest and the highest. Measured
 *   against itself on a busy machine of two cores, five rounds, the floor came out at 0.99 to 1.02, its
 *   single rounds at 0.93 to 1.11. Compare ratios, not times.
 * - Every answer is checked: status, id, the upstream's own text. One wrong answer fails the run.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { CASES, configOf } from './cases.ts'
import { contractBench, contractTable } from './contract.ts'
import type { Job, Tally } from './load.ts'
import { launch, pickCores, start, stopAll } from './process.ts'
import { machine, type Round, type Row, rowsOf, tableOf } from './report.ts'
import { type Aim, type Era, MARK } from './wire.ts'

interface Options {
  readonly quick: boolean
  /** Measure the kernel alone, without any process besides this one. */
  readonly contract: boolean
  readonly json: string | undefined
  readonly rounds: number
  /** How often a round comes back to each target. */
  readonly slices: number
  readonly tools: number
  readonly size: number
  readonly cases: readonly string[]
}

interface Target {
  readonly name: string
  readonly aim: Aim
  /** The process to be charged, and its upstream. */
  readonly watch: readonly number[]
  /** Name of the target that is called directly; absent where this is one. */
  readonly direct: string | undefined
}

const FLOOR = 'floor'
const CROWD = 16
/** Milliseconds. */
const SLICE = 100
const WARM = 3_000
const MOST_CALLS = 1_000_000
const CONNECTS = 15_000
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))

const cores = pickCores()
let folder: string | undefined

async function bench(options: Options): Promise<Row[]> {
  const load = launch([here('load.ts')], cores.load, 'inherit')
  const targets = await startTargets(options, load)
  for (const target of targets) {
    say(`warming up ${target.name}`)
    await measure(load, target, CROWD, WARM)
  }
  const all = targets.map((target) => ({ target, rounds: [] as Round[] }))
  for (let round = 1; round <= options.rounds; round++) {
    say(`round ${round} of ${options.rounds}`)
    const now = all.map(({ target, rounds }) => {
      const one: Round = { single: [], crowd: [] }
      rounds.push(one)
      return { target, ...one }
    })
    for (let slice = 0; slice < options.slices; slice++) {
      // In random order: what runs after whom must not become part of the figure.
      for (const { target, single, crowd } of shuffled(now)) {
        single.push(await measure(load, target, 1, SLICE))
        if (target.direct === undefined) continue
        crowd.push(await measure(load, target, CROWD, SLICE))
      }
    }
  }
  say('')
  const series = all.map(({ target, rounds }) => {
    return { name: target.name, direct: target.direct, rounds }
  })
  const rows = rowsOf(series, FLOOR)
  if (options.json !== undefined) {
    const result = { machine: machine(), options, rows, series }
    await writeFile(options.json, `${JSON.stringify(result, null, 2)}\n`)
  }
  return rows
}

async function startTargets(options: Options, load: ChildProcess): Promise<Target[]> {
  const targets: Target[] = []
  const chosen = CASES.filter(({ name }) => options.cases.includes(name))
  const upstreams = new Map<Era, { url: string; pid: number }>()
  for (const era of new Set<Era>(['modern', ...chosen.map((one) => one.era)])) {
    const flags = ['--era', era, '--tools', `${options.tools}`, '--size', `${options.size}`]
    const upstream = await start([here('upstream.ts'), ...flags], cores.upstream)
    upstreams.set(era, upstream)
    const aim = { url: upstream.url, era, tool: 'echo', headers: {} }
    targets.push({ name: `no hop, ${era}`, aim, watch: [upstream.pid], direct: undefined })
  }
  const add = async (name: string, era: Era, args: string[], headers: Aim['headers']) => {
    const { url, pid } = await start(args, cores.measured)
    const aim = { url, era, tool: 'demo__echo', headers }
    const watch = [pid, upstreams.get(era)?.pid as number]
    const target = { name, aim, watch, direct: `no hop, ${era}` }
    await answers(load, target)
    targets.push(target)
  }
  await add(FLOOR, 'modern', [here('floor.ts'), upstreams.get('modern')?.url as string], {})
  folder = await mkdtemp(join(tmpdir(), 'patchbay-bench-'))
  for (const one of chosen) {
    const file = join(folder, `${one.name}.yaml`)
    await writeFile(file, configOf(one, upstreams.get(one.era)?.url as string))
    await add(one.name, one.era, [here('../../core/boot/main.ts'), 'start', file], one.headers)
  }
  return targets
}

/** The gateway listens before it has read its upstream's list: wait until a call comes through. */
async function answers(load: ChildProcess, target: Target): Promise<void> {
  const until = performance.now() + CONNECTS
  while (true) {
    const job = { ...target.aim, connections: 1, duration: 50, calls: 1, watch: [] }
    const { errors, firstError } = await order(load, job)
    if (errors === 0) return
    if (performance.now() > until) throw new Error(`${target.name} answers wrongly: ${firstError}`)
  }
}

function measure(
  load: ChildProcess,
  { aim, watch }: Target,
  connections: number,
  duration: number,
): Promise<Tally> {
  return order(load, { ...aim, connections, duration, calls: MOST_CALLS, watch })
}

function order(load: ChildProcess, job: Job): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const gone = () => reject(new Error('the load generator has ended'))
    load.once('exit', gone)
    load.once('message', ({ tally, error }: { tally?: Tally; error?: string }) => {
      load.off('exit', gone)
      if (tally !== undefined) resolve(tally)
      else reject(new Error(`${job.url} (${job.era}): ${error}`))
    })
    load.send(job)
  })
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}

function say(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

function readOptions(): Options {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      contract: { type: 'boolean', default: false },
      json: { type: 'string' },
      rounds: { type: 'string' },
      tools: { type: 'string', default: '20' },
      size: { type: 'string', default: '64' },
    },
  })
  const names = [FLOOR, ...CASES.map(({ name }) => name)]
  const unknown = positionals.find((name) => !names.includes(name))
  if (unknown !== undefined) {
    throw new Error(`no case "${unknown}". Cases: ${names.join(', ')}`)
  }
  return {
    quick: values.quick,
    contract: values.contract,
    json: values.json,
    rounds: whole('rounds', values.rounds ?? (values.quick ? '3' : '5'), 1),
    slices: values.quick ? 10 : 25,
    tools: whole('tools', values.tools, 1),
    size: whole('size', values.size, MARK.length),
    cases: positionals.length === 0 ? names : positionals,
  }
}

function whole(name: string, text: string, least: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= least) return value
  throw new Error(`--${name} ${text}: wants a whole number of at least ${least}`)
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

/** The kernel's own figures. */
async function measureContract({ quick, json }: Options): Promise<void> {
  const rows = await contractBench(quick ? 30 : 200)
  const { cpu, system, node } = machine()
  console.log(`${cpu}, ${system}, Node ${node}\n\n${contractTable(rows)}`)
  if (json === undefined) return
  await writeFile(json, `${JSON.stringify({ machine: machine(), rows }, null, 2)}\n`)
}

try {
  const options = readOptions()
  if (options.contract) {
    await measureContract(options)
    process.exit()
  }
  const rows = await bench(options)
  const { cpu, system, node } = machine()
  console.log(
    `${cpu}, ${system}, Node ${node}; ${options.rounds} rounds, ${options.size} B results\n`,
  )
  console.log(tableOf(rows))
  if (cores.measured === undefined) console.log('\nNot pinned to cores: expect more spread.')
  if (rows.every(({ cpuPerCall }) => cpuPerCall === null)) {
    console.log('\nNo CPU figures: they are read from /proc, which this system does not have.')
  }
  for (const { name, errors, firstError } of rows.filter((row) => row.errors > 0)) {
    console.error(`\n${name}: ${errors} wrong answers, the first: ${firstError}`)
    process.exitCode = 1
  }
} catch (cause) {
  say('')
  if (!interrupted) console.error(`bench: ${(cause as Error).message}`)
  process.exitCode = 1
} finally {
  await cleanUp()
}
