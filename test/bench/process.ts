import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

export { cpuTime } from './accounting.ts'

/** Which core each part runs on; undefined where processes cannot be pinned. */
export interface Cores {
  readonly measured: number | undefined
  readonly load: number | undefined
  readonly upstream: number | undefined
}

/** A core, several of them, or undefined for any. */
export type Pinning = number | readonly number[] | undefined

/** A process that listens. */
export interface Started {
  readonly pid: number
  readonly url: string
  /** Bytes of its heap after a collection; null where heap-probe.ts was not loaded. */
  heap(): Promise<number | null>
}

const READY = 15_000
const LAST_WORDS = 20
const STOP = 5_000
const PROBE = 2_000

const running = new Set<ChildProcess>()
/** Leaders of process groups: their children end with them. */
const groups = new Set<ChildProcess>()

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
export async function start(args: readonly string[], core: Pinning): Promise<Started> {
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
    child.on('message', ({ url }: { url?: string }) => {
      if (url !== undefined) resolve(url)
    })
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
    const url = await listens
    return { pid: child.pid as number, url, heap: () => heapOf(child) }
  } finally {
    clearTimeout(limit)
  }
}

function heapOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    const settle = (value: number | null) => {
      clearTimeout(limit)
      child.off('message', take)
      resolve(value)
    }
    const take = ({ heap }: { heap?: number }) => {
      if (heap !== undefined) settle(heap)
    }
    const limit = setTimeout(() => settle(null), PROBE)
    child.on('message', take)
    if (child.connected) child.send('heap')
    else settle(null)
  })
}

/** Starts `node <args>` with an IPC channel on a core; `inherit` shows what it writes. */
export function launch(
  args: readonly string[],
  core: Pinning,
  output: 'pipe' | 'inherit',
): ChildProcess {
  const [program, ...rest] = pinned([process.execPath, ...args], core)
  const child = spawn(program, rest, { stdio: ['ignore', output, output, 'ipc'] })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

/** Starts any other program on a core, as a process group of its own, and throws away what it writes. */
export function startProgram(
  command: readonly string[],
  core: Pinning,
): { pid: number; running(): boolean } {
  const [program, ...rest] = pinned(command, core)
  const child = spawn(program, rest, { stdio: 'ignore', detached: true })
  groups.add(child)
  child.once('exit', () => groups.delete(child))
  // A program that cannot be started shows as one that does not run.
  child.once('error', () => groups.delete(child))
  return { pid: child.pid ?? 0, running: () => groups.has(child) }
}

/** The words that run a command on a core. */
export function pinned(command: readonly string[], core: Pinning): [string, ...string[]] {
  const words = core === undefined ? [] : ['taskset', '-c', [core].flat().join(',')]
  return [...words, ...command] as [string, ...string[]]
}

/** Ends everything that was started and is still there, politely first. */
export async function stopAll(): Promise<void> {
  await Promise.all([
    ...[...running].map((child) => stop(child, (signal) => void child.kill(signal))),
    ...[...groups].map((child) => stop(child, (signal) => killGroup(child.pid as number, signal))),
  ])
}

async function stop(child: ChildProcess, kill: (signal: NodeJS.Signals) => void): Promise<void> {
  const gone = once(child, 'exit')
  kill('SIGTERM')
  const limit = setTimeout(() => kill('SIGKILL'), STOP)
  await gone
  clearTimeout(limit)
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // It has ended by itself.
  }
}

function listening(line: string): string | undefined {
  if (!line.includes('"msg":"listening"')) return undefined
  return (JSON.parse(line) as { url?: string }).url
}
