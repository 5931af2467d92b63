import cluster, { type Worker } from 'node:cluster'
import { fileURLToPath } from 'node:url'
import type { HubFrame, WorkerFrame } from '../../services/workers/frames.ts'
import { FrameChannel } from './frame-channel.ts'
import type { Begin, ToPrimary, ToWorker } from './messages.ts'

// The same file runs as TypeScript in the repository and as JavaScript where it is installed.
const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const MAIN = fileURLToPath(new URL(`./worker-main.${EXTENSION}`, import.meta.url))
/** Characters on their way to a worker. One that takes no more hangs. */
const MOST_UNREAD = 256 * 1024 * 1024

/** What a worker's process tells of. */
export interface WorkerEvents {
  message(message: Exclude<ToPrimary, { kind: 'frames' }>): void
  /** It is gone. */
  exited(code: number | null, signal: string | null): void
}

/** A worker's process, as the primary sees it. */
export interface WorkerProcess {
  readonly pid: number
  readonly channel: FrameChannel<HubFrame, WorkerFrame>
  /** Lets it take no more calls, and end. */
  stop(): void
  /** Ends it at once. */
  kill(): void
}

/** Starts a worker. */
export type Fork = (begin: Begin, events: WorkerEvents) => WorkerProcess

/** Starts it with node:cluster: all workers share the ports they listen on, and take connections by turns. */
export const forkWorker: Fork = (begin, events) => {
  cluster.schedulingPolicy = cluster.SCHED_RR
  cluster.setupPrimary({ exec: MAIN, args: [], serialization: 'advanced' })
  const worker = cluster.fork()
  const { process } = worker
  const kill = () => void process.kill('SIGKILL')
  const send = sender(worker, kill)
  const channel = new FrameChannel<HubFrame, WorkerFrame>((frames) => {
    send({ kind: 'frames', frames })
  })
  worker.on('message', (message: ToPrimary) => {
    if (message.kind === 'frames') channel.arrived(message.frames)
    else events.message(message)
  })
  worker.on('exit', (code: number | null, signal: string | null) => events.exited(code, signal))
  // A channel that breaks is told of by the exit.
  worker.on('error', () => {})
  send({ kind: 'begin', begin })
  return { pid: process.pid ?? 0, channel, stop: () => send({ kind: 'stop' }), kill }
}

function sender(worker: Worker, hung: () => void): (message: ToWorker) => void {
  let unread = 0
  return (message) => {
    if (!worker.isConnected()) return
    const size = sizeOf(message)
    unread += size
    if (unread > MOST_UNREAD) return hung()
    worker.process.send(message, undefined, {}, () => {
      unread -= size
    })
  }
}

/** About how much it holds, in characters. */
function sizeOf(message: ToWorker): number {
  if (message.kind !== 'frames') return 0
  return message.frames.reduce((sum, frame) => {
    if ('text' in frame) return sum + frame.text.length
    return sum + ('value' in frame && typeof frame.value === 'string' ? frame.value.length : 64)
  }, 0)
}
