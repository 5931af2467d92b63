import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

/** Which core each part runs on; undefined where processes cannot be pinned. */
export interface Cores {
  readonly measured: number | undefined
  readonly load: number | undefined
  readonly upstream: number | undefined
}

/** A process that listens. */
export interface Started {
  readonly pid: number
  readonly url: string
}

const READY = 15_000
const LAST_WORDS = 20
const STOP = 5_000

const running = new Set<ChildProcess>()

/**
 * CPU time a process has used so far, all its threads, microseconds; null where the kernel does not
 * tell. From the scheduler's own nanoseconds: `/proc/<pid>/stat` counts in steps of 10 ms, a tenth of what
 * is measured at a time. Exact while the process sleeps.
 */
export function cpuTime(pid: number): number | null {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1')
      return sum + Number.parseInt(stat, 10) / 1000
    }, 0)
  } catch {
    return null
  }
}

/** The measured process gets a core to itself; with two cores the load and the upstream share the other. */
export function pickCores(): Cores {
  const { stdout } = spawnSync('taskset', ['-cp', String(process.pid)], { encoding: 'utf8' })
  const list = (/: *([\d,-]+)\s*$/.exec(stdout ?? '')?.[1] ?? '').split(',').flatMap((part) => {
    const [first, last] = part.split('-').map(Number) as [number, number?]
    return Array.from({ length: (last ?? first) - first + 1 }, (_, n) => first + n)
  })
  if (list.length < 2) return { measured: undefined, load: undefined, upstream: undefined }
  return { measured: list[0], load: list[1], upstream: list[2] ?? list[1] }
}

/**
 * Starts `node <args>` on a core and waits until it says where it listens: by an IPC message with a
 * `url`, or by a JSON line on stdout with `"msg":"listening"`. Rejects with its last words when it ends
 * first or says nothing for 15 s.
 */
export async function start(args: readonly string[], core: number | undefined): Promise<Started> {
  const child = launch(args, core, 'pipe')
  const words: string[] = []
  let limit: NodeJS.Timeout | undefined
  const listens = new Promise<string>((resolve, reject) => {
    const fail = (reason: string) =>
      reject(new Error([`node ${args.join(' ')}: ${reason}`, ...words].join('\n  ')))
    limit = setTimeout(() => fail(`not listening after ${READY / 1000} s`), READY)
    child.once('error', (cause) => fail(cause.message))
    // Not `exit`: what it wrote last is read by then.
    child.once('close', (code, signal) => fail(`ended with ${code ?? signal} before it listened`))
    child.once('message', ({ url }: { url: string }) => resolve(url))
    for (const stream of [child.stdout, child.stderr]) {
      // Read to the end, or a full pipe would stop the process.
      createInterface({ input: stream as Readable }).on('line', (line) => {
        words.push(line)
        if (words.length > LAST_WORDS) words.shift()
        const found = listening(line)
        if (found !== undefined) resolve(found)
      })
    }
  })
  try {
    return { pid: child.pid as number, url: await listens }
  } finally {
    clearTimeout(limit)
  }
}

/** Starts `node <args>` with an IPC channel on a core; `inherit` shows what it writes. */
export function launch(
  args: readonly string[],
  core: number | undefined,
  output: 'pipe' | 'inherit',
): ChildProcess {
  const pinned = core === undefined ? [] : ['taskset', '-c', String(core)]
  const [program, ...rest] = [...pinned, process.execPath, ...args] as [string, ...string[]]
  const child = spawn(program, rest, { stdio: ['ignore', output, output, 'ipc'] })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

/** Ends everything that was started and is still there, politely first. */
export async function stopAll(): Promise<void> {
  await Promise.all(
    [...running].map(async (child) => {
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      const limit = setTimeout(() => child.kill('SIGKILL'), STOP)
      await gone
      clearTimeout(limit)
    }),
  )
}

function listening(line: string): string | undefined {
  if (!line.includes('"msg":"listening"')) return undefined
  return (JSON.parse(line) as { url?: string }).url
}
