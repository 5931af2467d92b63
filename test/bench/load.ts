/**
 * The load generator, a process of its own: takes one job after another over IPC and answers each with
 * a tally. Closed loop: a connection sends its next call when the last one is answered.
 */
import { createHistogram } from 'node:perf_hooks'
import { cpuOf, cpuSpent, memoryOf } from './accounting.ts'
import { type Answer, Connection } from './connection.ts'
import { SseConnection } from './sse-connection.ts'
import { type Aim, CallRequest, goodbye, initialize, initialized } from './wire.ts'

/** What to measure. */
export interface Job extends Aim {
  readonly connections: number
  /** Milliseconds after which no further call is sent. */
  readonly duration: number
  /** The most calls to send. */
  readonly calls: number
  /** Processes whose CPU time and memory are wanted, their children included. */
  readonly watch: readonly number[]
}

/** What came out of a job: everything between the last handshake and the last answer. */
export interface Tally {
  readonly calls: number
  /** Answers that were not the upstream's result under the call's own id. */
  readonly errors: number
  /** The first of them, shortened. */
  readonly firstError?: string
  readonly seconds: number
  /** Microseconds. */
  readonly p50: number
  /** Microseconds. */
  readonly p99: number
  /** CPU time of each watched process and its children, microseconds; null where the system does not tell. */
  readonly cpu: readonly (number | null)[]
  /** Resident memory of each while the connections are still open, bytes; null where the system does not tell. */
  readonly rss: readonly (number | null)[]
  /** This process's own CPU time as a share of the period: near 1, the load is the limit. */
  readonly loadShare: number
}

/** A client ready to call. */
interface Client {
  readonly connection: Connection | SseConnection
  readonly session: string | undefined
  readonly request: CallRequest
}

/** Milliseconds for handshakes: some peers start a process for each. */
const GRACE = 60_000
const SHOWN = 300

/** Opens a connection and does the handshake of its era. */
async function open(job: Job, connections: Client['connection'][]): Promise<Client> {
  if (job.transport === 'sse') return openStream(job, connections)
  const connection = await Connection.open(job.url)
  connections.push(connection)
  let session: string | undefined
  if (job.era === 'legacy') {
    const hello = expect(200, await connection.exchange(initialize(job)))
    session = /^mcp-session-id: *(\S+)/im.exec(hello.head)?.[1]
    expect(202, await connection.exchange(initialized(job, session)))
  }
  return { connection, session, request: new CallRequest(job, session) }
}

/** The same over HTTP+SSE, which knows no other era. */
async function openStream(job: Job, connections: Client['connection'][]): Promise<Client> {
  const { connection, url } = await SseConnection.open(job)
  connections.push(connection)
  const aim = { ...job, url }
  expect(200, await connection.exchange(initialize(aim)))
  await connection.notify(initialized(aim, undefined))
  return { connection, session: undefined, request: new CallRequest(aim, undefined) }
}

/** Every client calls until the time or the number is reached. Both ends find the callee idle. */
async function measure(job: Job, clients: readonly Client[]): Promise<Tally> {
  const histogram = createHistogram({ figures: 3 })
  let left = job.calls
  let errors = 0
  let firstError: string | undefined
  const cpu = job.watch.map(cpuOf)
  const own = ownTime()
  const from = performance.now()
  const until = from + job.duration
  const drive = ({ connection, request }: Client) =>
    new Promise<void>((resolve, reject) => {
      let sent = 0
      const next = () => {
        left--
        request.next()
        sent = performance.now()
        connection.send(request.bytes, done, reject)
      }
      const done = (answer: Answer) => {
        const now = performance.now()
        histogram.record(Math.max(1, Math.round((now - sent) * 1e6)))
        const wrong = fault(answer, request)
        if (wrong !== undefined) {
          errors++
          firstError ??= wrong
        }
        if (now < until && left > 0) next()
        else resolve()
      }
      next()
    })
  await Promise.all(clients.map(drive))
  const wall = performance.now() - from
  return {
    calls: histogram.count,
    errors,
    ...(firstError === undefined ? {} : { firstError }),
    seconds: wall / 1000,
    p50: histogram.percentile(50) / 1000,
    p99: histogram.percentile(99) / 1000,
    cpu: job.watch.map((pid, n) => cpuSpent(cpu[n], cpuOf(pid))),
    rss: job.watch.map(memoryOf),
    loadShare: (ownTime() - own) / 1000 / wall,
  }
}

async function run(job: Job): Promise<Tally> {
  const connections: Client['connection'][] = []
  const hangUp = () => {
    for (const one of connections) one.close()
  }
  const limit = setTimeout(hangUp, job.duration + GRACE)
  try {
    // All at once: where a session takes seconds to open, the first would be hung up on before the last is there.
    const clients = await Promise.all(
      Array.from({ length: job.connections }, () => open(job, connections)),
    )
    const tally = await measure(job, clients)
    for (const { connection, session } of clients) {
      if (session !== undefined) await connection.exchange(goodbye(job, session))
    }
    return tally
  } finally {
    clearTimeout(limit)
    hangUp()
  }
}

function fault(answer: Answer, { expected, needed }: CallRequest): string | undefined {
  const { status, body } = answer
  if (status === 200 && body.includes(expected) && needed.every((one) => body.includes(one))) {
    return undefined
  }
  return shown(answer)
}

function shown({ head, body }: Answer): string {
  return `${head.split('\r\n', 1)[0]} ${body.toString('utf8', 0, SHOWN)}`
}

function expect(status: number, answer: Answer): Answer {
  if (answer.status === status) return answer
  throw new Error(`the handshake wants status ${status}: ${shown(answer)}`)
}

function ownTime(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

process.on('message', (job: Job) => {
  run(job).then(
    (tally) => process.send?.({ tally }),
    (cause: Error) => process.send?.({ error: cause.message }),
  )
})
process.once('disconnect', () => process.exit())
