import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { LogLine } from '../../../core/boot/log.ts'
import type { Scope } from '../../fixtures/gateway.ts'
import { ROOT } from '../../house/plugins.ts'
import { Wire } from '../wire/wire.ts'

const PATIENCE = 20_000

/** Says which process answers, counts the calls, and limits those of `echo` with `limited`. */
const PROBE = `import { definePlugin, deny, KeyValue, Metrics } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'probe', version: '1.0.0', phase: 'guard',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  needs: { keyValue: KeyValue, metrics: Metrics },
  setup: (_config, { keyValue, metrics }) => {
    const calls = metrics.counter('calls', { description: 'Calls.' })
    const sizes = metrics.histogram('sizes', { description: 'Sizes.', boundaries: [10, 100] })
    return {
      routes(routes) {
        routes.add({ method: 'GET', path: '/pid', access: 'public', handle(ctx) { ctx.body = { pid: process.pid } } })
        routes.add({ method: 'GET', path: '/numbers', access: 'public', async handle(ctx) { ctx.body = await metrics.readAll() } })
      },
      status: () => ({ pid: process.pid }),
      async beforeCall({ args }) {
        calls.add(1)
        sizes.record(5)
        if (!args.limited) return undefined
        const taken = await keyValue.consume([{ key: 'all', cost: 1, limit: 10, windowMs: 600_000 }])
        return taken.ok ? undefined : deny('RATE_LIMITED', 'enough')
      },
    }
  },
})
`

/** A gateway of several processes. */
export interface Processes {
  readonly url: string
  readonly adminUrl: string
  readonly folder: string
  readonly file: string
  /** The primary's. */
  readonly pid: number
  /** Everything it wrote, as far as it is JSON lines. */
  readonly log: readonly LogLine[]
  /** What it wrote to stderr. */
  readonly errors: readonly string[]
  /** Resolves with the first log line for which that holds, of those to come too. */
  line(holds: (line: LogLine) => boolean): Promise<LogLine>
  /** The workers' process ids, by slot. */
  workers(): Promise<number[]>
  /** A connection to a worker that is none of these. */
  another(scope: Scope, ...pids: number[]): Promise<{ wire: Wire; pid: number }>
  /** An answer of the admin door. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  admin(path: string, method?: string): Promise<any>
  signal(signal: NodeJS.Signals): void
  /** How it ended. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

/** Starts `patchbay start` with two workers, unless the config says how many. All it starts ends with the scope. */
export async function startProcesses(
  scope: Scope,
  config: Record<string, unknown>,
  files: Readonly<Record<string, string>> = {},
): Promise<Processes> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'patchbay-workers-')))
  const file = join(folder, 'patchbay.yaml')
  const whole = {
    listen: { port: 0 },
    admin: { port: 0 },
    workers: 2,
    drain: '2s',
    plugins: [{ use: 'auth-none' }, { use: './probe.ts' }],
    ...config,
  }
  const all = { 'patchbay.yaml': JSON.stringify(whole), 'probe.ts': PROBE, ...files }
  for (const [name, text] of Object.entries(all)) writeFileSync(join(folder, name), text)
  const child = spawn(process.execPath, ['core/boot/main.ts', 'start', file], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that nothing of it can be left.
    detached: true,
  })
  const log: LogLine[] = []
  const errors: string[] = []
  const looks = new Set<(line: LogLine) => void>()
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }))
  scope.after(async () => {
    endGroup(child)
    await ended
    rmSync(folder, { recursive: true, force: true })
  })
  createInterface({ input: child.stdout as Readable }).on('line', (text) => {
    if (!text.startsWith('{')) return
    const line = JSON.parse(text) as LogLine
    log.push(line)
    for (const look of looks) look(line)
  })
  createInterface({ input: child.stderr as Readable }).on('line', (text) => errors.push(text))
  const line = (holds: (line: LogLine) => boolean) =>
    new Promise<LogLine>((resolve, reject) => {
      const found = log.find(holds)
      if (found !== undefined) return resolve(found)
      const fail = (why: string) =>
        reject(new Error([`no such line: ${holds}: ${why}`, ...errors].join('\n')))
      const limit = setTimeout(() => fail('late'), PATIENCE)
      const look = (one: LogLine) => {
        if (!holds(one)) return
        looks.delete(look)
        clearTimeout(limit)
        resolve(one)
      }
      looks.add(look)
      void ended.then(({ code, signal }) => {
        clearTimeout(limit)
        fail(`it ended with ${code ?? signal}`)
      })
    })
  const { url, admin: adminUrl } = await line(({ msg }) => msg === 'listening')
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  const admin = async (path: string, method = 'GET'): Promise<any> => {
    const { url: door } = JSON.parse(readFileSync(join(folder, 'data/admin.json'), 'utf8'))
    const token = readFileSync(join(folder, 'data/admin-token'), 'utf8').trim()
    const headers = { authorization: `Bearer ${token}` }
    return (await fetch(`${door}${path}`, { method, headers })).json()
  }
  return {
    url: url as string,
    adminUrl: adminUrl as string,
    folder,
    file,
    pid: child.pid as number,
    log,
    errors,
    line,
    async workers() {
      const { workers } = await admin('/status')
      return workers.map(({ pid }: { pid: number }) => pid)
    },
    async another(scope, ...pids) {
      for (let tries = 0; tries < 20; tries++) {
        const wire = new Wire(scope, url as string)
        const { json } = await wire.send('GET', {}, undefined, '/pid')
        if (!pids.includes(json.pid)) return { wire, pid: json.pid }
      }
      throw new Error(`only ${pids} ever answered`)
    },
    admin,
    signal: (signal) => void process.kill(child.pid as number, signal),
    ended,
  }
}

/** Whether a process is there. */
export function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Resolves once that is so. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`never came true: ${holds}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

function endGroup({ pid }: ChildProcess): void {
  try {
    process.kill(-(pid as number), 'SIGKILL')
  } catch {
    // Nobody of it is left.
  }
}
