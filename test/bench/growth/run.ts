/**
 * What a call costs as things get large: connections, tools, upstreams, sessions, listen streams, plugins,
 * payload.
 *
 *   npm run bench:growth                        everything, under eight minutes
 *   npm run bench:growth -- --quick             the ends of each axis only, under two
 *   npm run bench:growth -- tools payload       some axes (axes.ts has their names)
 *   --rounds 3   --json growth.json   --svg growth.svg   --markdown growth.md
 *
 * CPU per call is what the scheduler charged to the measured process while 16 connections called in closed loop.
 * All sizes of an axis are there at the same time, and are returned to again and again in random order, a tenth of
 * a second each; a size's figure is the mean of the lower half of its slices, its ratio the one to the smallest
 * size in the same round. Ratios are what to read: machines change their speed. An axis that must be flat and is not ends the
 * run with code 1.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Job, Tally } from '../load.ts'
import { launch, pickCores, stopAll } from '../process.ts'
import { machine } from '../report/rows.ts'
import { AXES, type Axis, type Point } from './axes.ts'
import { chartOf } from './chart.ts'
import {
  type AxisReport,
  keepsFlat,
  type Measured,
  markdownOf,
  NOISE,
  rowsOf,
  tableOf,
} from './report.ts'
import { Scene } from './scene.ts'

interface Options {
  readonly quick: boolean
  readonly rounds: number
  /** How often a round comes back to each size. */
  readonly slices: number
  /** Milliseconds. */
  readonly warm: number
  readonly axes: readonly Axis[]
}

const MOST_CALLS = 1_000_000
/** Milliseconds until a gateway must answer calls. */
const CONNECTS = 30_000
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))

const cores = pickCores()
let folder: string | undefined
let scene: Scene | undefined

async function measureAxis(axis: Axis, options: Options): Promise<AxisReport> {
  const sizes = options.quick ? [axis.sizes[0] as number, axis.sizes.at(-1) as number] : axis.sizes
  folder ??= await mkdtemp(join(tmpdir(), 'patchbay-growth-'))
  scene = new Scene(cores, folder)
  say(`${axis.name}: starting`)
  const load = launch([here('../load.ts')], cores.load, 'inherit')
  const points = await axis.start(scene, sizes)
  for (const one of points) {
    await answers(load, one)
    await order(load, jobOf(one, options.warm))
  }
  const measured = points.map(({ size, series }) => {
    return { size, series, rounds: [] as (number | null)[][] }
  })
  for (let round = 1; round <= options.rounds; round++) {
    say(`${axis.name}: round ${round} of ${options.rounds}`)
    for (const { rounds } of measured) rounds.push([])
    for (let slice = 0; slice < options.slices; slice++) {
      // In random order: what runs after whom must not become part of the figure.
      for (const n of shuffled(points.keys())) {
        const one = points[n] as Point
        const { calls, cpu, errors, firstError } = await order(load, jobOf(one, axis.slice))
        if (errors > 0) throw new Error(`${axis.name} ${one.size}: wrong answer: ${firstError}`)
        const [spent] = cpu
        measured[n]?.rounds.at(-1)?.push(spent == null ? null : spent / calls)
      }
    }
  }
  scene.release()
  await stopAll()
  const { name, title, flat } = axis
  return { name, title, flat, rows: rowsOf(measured satisfies Measured[]) }
}

function jobOf({ aim, pid, connections }: Point, duration: number): Job {
  return { ...aim, connections, duration, calls: MOST_CALLS, watch: [pid] }
}

/** The gateway listens before it has read its upstreams' lists: wait until a call comes through. */
async function answers(load: ChildProcess, one: Point): Promise<void> {
  const until = performance.now() + CONNECTS
  while (true) {
    const { errors, firstError } = await order(load, {
      ...jobOf(one, 50),
      connections: 1,
      calls: 1,
    })
    if (errors === 0) return
    if (performance.now() > until) throw new Error(`${one.size}: ${firstError}`)
  }
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

function shuffled(items: Iterable<number>): number[] {
  return [...items]
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}

function say(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

async function cleanUp(): Promise<void> {
  scene?.release()
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
      rounds: { type: 'string' },
      json: { type: 'string' },
      svg: { type: 'string' },
      markdown: { type: 'string' },
    },
  })
  const unknown = positionals.find((name) => AXES.every((axis) => axis.name !== name))
  if (unknown !== undefined) {
    throw new Error(`no axis "${unknown}". Axes: ${AXES.map(({ name }) => name).join(', ')}`)
  }
  const { quick } = values
  const rounds = Number(values.rounds ?? (quick ? 2 : 3))
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new Error(`--rounds ${values.rounds}: wants a whole number of at least 1`)
  }
  const chosen =
    positionals.length === 0 ? AXES : AXES.filter(({ name }) => positionals.includes(name))
  const options: Options = {
    quick,
    rounds,
    slices: quick ? 10 : 12,
    warm: quick ? 1_000 : 1_500,
    axes: chosen,
  }
  const reports: AxisReport[] = []
  const about = machine()
  const { cpu, system, node, date } = about
  const head = `${cpu}, ${system}, Node ${node}, ${date}; ${rounds} rounds`
  console.log(`${head}\n`)
  for (const axis of options.axes) {
    const report = await measureAxis(axis, options)
    reports.push(report)
    say('')
    console.log(`${tableOf(report)}\n`)
  }
  if (values.json !== undefined) {
    await writeFile(
      values.json,
      `${JSON.stringify({ machine: about, rounds, axes: reports }, null, 2)}\n`,
    )
  }
  if (values.svg !== undefined) await writeFile(values.svg, chartOf(reports))
  if (values.markdown !== undefined) {
    await writeFile(values.markdown, `${head}\n\n${markdownOf(reports)}\n`)
  }
  for (const { name } of reports.filter((report) => !keepsFlat(report))) {
    console.error(`${name}: a call costs more than ${NOISE} times as much at the largest size`)
    process.exitCode = 1
  }
} catch (cause) {
  say('')
  if (!interrupted) console.error(`bench:growth: ${(cause as Error).message}`)
  process.exitCode = 1
} finally {
  await cleanUp()
}
