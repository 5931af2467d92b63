/**
 * What one hop through the gateway costs, as a ratio to a bare relay (floor.ts) in the same run.
 *
 *   npm run bench                          everything, about nine minutes
 *   npm run bench -- --quick               fewer cases and shorter rounds, under two minutes
 *   npm run bench -- auth-none payload     these cases or groups (cases.ts has the names) and their floors
 *   npm run bench -- --contract            what hooks, rounds, nested calls and shadow lines cost: the kernel alone
 *   npm run bench -- --json result.json    the table's figures in a file
 *   npm run bench -- --peers               other gateways in front of the same servers, about five minutes. npm's are
 *                                          installed into .bench/peers; agentgateway and TBXark's mcp-proxy (Go:
 *                                          go install github.com/TBXark/mcp-proxy@latest) are taken from PATH
 *   npm run bench -- --publish             everything and the peers, for test/bench/results and the README
 *   npm run bench -- --render              those files again, from the figures that are there
 *   npm run bench -- --gate                a fixed few cases against budget.json, about two minutes; exit 1 when over
 *   npm run bench -- --gate --write        make budget.json of what is measured now
 *   npm run bench -- --gate --slow         with a plugin that wastes a quarter of a call: the gate must fail
 *   --rounds 5   --tools 20   --size 64    rounds; tools the upstream has; bytes of text in a result
 *
 * How it is measured
 * - Everything is a process of its own, on loopback: upstream.ts answers from prebuilt strings, load.ts
 *   calls in closed loop over raw sockets. The measured process has one core to itself; load and
 *   upstream have others, or share the second of two. `load` and `upstream` in the table are their
 *   shares of a core while 16 connections call: only while the two stay below 100 % on a shared core
 *   is `calls/s` the figure of the measured process rather than theirs. CPU per call does not depend on it.
 * - `CPU/call` is what the scheduler charged to the measured process and its children, all their threads, while 16
 *   connections called, divided by the calls. Read from /proc; elsewhere the column is empty. A server on pipes is
 *   a child of what stands in front of it, so its own cost is in that figure, the floor's included.
 * - Cases are measured in groups, each with a floor of its own for each upstream: a ratio is always to the
 *   floor in front of the same kind of server. `more` is the CPU per call beyond the case that it extends.
 * - `p50` is the latency at one connection, `added` what is left of it without the p50 of the same
 *   calls sent directly to the upstream.
 * - Machines, rented ones above all, change speed from one second to the next, by half and more. So a
 *   round returns to all targets of a group again and again, in random order, a tenth of a second each. CPU per call
 *   is the mean of the lower half of a target's slices: what a call costs when nobody else disturbs. The ratio is
 *   that of all rounds together, in brackets the lowest and the highest of a single round; two processes of the
 *   same program, 80 slices each on a busy machine of two cores, came out at 0.97 to 1.03 of each other.
 *   Latencies and calls a second are medians over the rounds. Compare ratios, not times.
 * - The gate takes 60 slices for each target of a few cases. A case over its budget is measured up to twice more,
 *   with new processes; only one that is over each time fails.
 * - RSS is that of the process and its children before the load and at its highest; the heap is what a collection
 *   leaves, before the load and after it.
 * - Every answer is checked: status, id, the upstream's own text, the progress it was promised. One wrong answer
 *   fails the run.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeFresh } from '../house/freshness.ts'
import { ROOT } from '../house/plugins.ts'
import { GROUPS } from './cases.ts'
import { contractBench, contractTable } from './contract.ts'
import { gate } from './gate/gate.ts'
import { measureGroup, type Place } from './measure.ts'
import { groupOf, type Options, readOptions } from './options.ts'
import { measurePeers } from './peers/bench.ts'
import { pickCores, stopAll } from './process.ts'
import { FIGURES, lastResult, published } from './report/published.ts'
import { type Result, rounded } from './report/result.ts'
import { machine, type Row, rowsOf } from './report/rows.ts'
import { tableOf } from './report/table.ts'
import { measureStartup } from './startup.ts'

/** Starts of each, after one for the caches. */
const STARTS = 9

const cores = pickCores()
let folder: string | undefined

/** What a run is for: cases, peers, or all of it for the README. */
async function bench(options: Options, place: Place): Promise<void> {
  const { plan, json } = options
  const rows: Row[] = []
  const own = options.peers ? [] : options.cases
  for (const group of new Set(own.map(groupOf))) {
    const members = own.filter((one) => groupOf(one) === group)
    rows.push(...rowsOf(await measureGroup(group, members, plan, place)))
  }
  const startup = options.startup ? await measureStartup(STARTS, place) : null
  const peers = options.peers || options.publish ? await measurePeers(plan, place) : undefined
  if (peers !== undefined) rows.push(...rowsOf(peers.series))
  say('')
  const result: Result = rounded({
    machine: machine(),
    rounds: plan.rounds,
    rows,
    startup,
    versions: peers?.versions ?? {},
    missing: peers?.missing ?? [],
  })
  show(result)
  const text = `${JSON.stringify(result, null, 2)}\n`
  if (json !== undefined) await writeFile(json, text)
  if (options.publish && process.exitCode === undefined) {
    await writeFile(join(ROOT, FIGURES), text)
    writeFresh(published(result), 'npm run bench -- --render')
  }
}

function show({ machine: where, rounds, rows, startup, missing }: Result): void {
  console.log(`${where.cpu}, ${where.system}, Node ${where.node}; ${rounds} rounds`)
  console.log(`\n${tableOf(rows, new Map(Object.entries(GROUPS)))}`)
  if (rows.length > 0 && rows.every(({ cpu }) => cpu === null)) {
    console.log('\nNo CPU figures: they are read from /proc, which this system does not have.')
  }
  if (startup?.listening != null && startup.node !== null) {
    const [listening, node] = [startup.listening, startup.node].map((spread) =>
      spread.map((one) => one.toFixed(0)),
    )
    console.log(
      `\nfrom start to listening: ${listening?.[0]} ms (${listening?.slice(1).join('-')})`,
    )
    console.log(`node -e 0, start to end: ${node?.[0]} ms (${node?.slice(1).join('-')})`)
  }
  for (const { name, reason } of missing) console.log(`\nnot measured: ${name}: ${reason}`)
  for (const { name, errors, firstError } of rows.filter((row) => row.errors > 0)) {
    console.error(`\n${name}: ${errors} wrong answers, the first: ${firstError}`)
    process.exitCode = 1
  }
}

/** The kernel's own figures. */
async function measureContract({ quick, json }: Options): Promise<void> {
  const rows = await contractBench(quick ? 30 : 200)
  const { cpu, system, node } = machine()
  console.log(`${cpu}, ${system}, Node ${node}\n\n${contractTable(rows)}`)
  if (json === undefined) return
  await writeFile(json, `${JSON.stringify({ machine: machine(), rows }, null, 2)}\n`)
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
  const options = readOptions(process.argv.slice(2))
  if (options.contract) {
    await measureContract(options)
    process.exit()
  }
  if (options.render) {
    writeFresh(published(lastResult()), 'npm run bench -- --render')
    process.exit()
  }
  folder = await mkdtemp(join(tmpdir(), 'patchbay-bench-'))
  const place = { cores, folder, say }
  if (cores.measured === undefined) {
    console.error('NOT PINNED: one core or no taskset. Load and gateway disturb each other.')
  }
  if (!options.gate) await bench(options, place)
  else if (!(await gate(options, place))) process.exitCode = 1
} catch (cause) {
  say('')
  if (!interrupted) console.error(`bench: ${(cause as Error).message}`)
  process.exitCode = 1
} finally {
  await cleanUp()
}
