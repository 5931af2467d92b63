import cluster from 'node:cluster'
import { GatewayError, messageOf } from '../../hooks/errors.ts'
import { Redactor } from '../../services/redactor.ts'
import type { HubFrame, WorkerFrame } from '../../services/workers/frames.ts'
import { WorkerServices } from '../../services/workers/worker-services.ts'
import { recordedDisk } from '../config/config-disk.ts'
import { judgedConfig } from '../config/judged-config.ts'
import { expectShortLives } from '../engine.ts'
import { type Gateway, startGateway } from '../gateway.ts'
import { makeLog } from '../log.ts'
import { FrameChannel } from './frame-channel.ts'
import type { Begin, ToPrimary, ToWorker } from './messages.ts'

/** How long calls may go on without a primary, in milliseconds: what it keeps for them is gone. */
const ORPHANED = 1_000

/** Runs one worker of a gateway until the primary, or a SIGTERM, stops it, or the primary is gone. */
export async function runWorker(): Promise<void> {
  const begun = Promise.withResolvers<Begin>()
  const stop = Promise.withResolvers<number | undefined>()
  const channel = new FrameChannel<WorkerFrame, HubFrame>((frames) => {
    void say({ kind: 'frames', frames })
  })
  process.on('message', (message: ToWorker) => {
    if (message.kind === 'frames') channel.arrived(message.frames)
    else if (message.kind === 'begin') begun.resolve(message.begin)
    else stop.resolve(undefined)
  })
  let services: WorkerServices | undefined
  cluster.worker?.on('disconnect', () => {
    // Otherwise node:cluster ends this process before anything could be stopped.
    if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true
    services?.close()
    stop.resolve(ORPHANED)
  })
  let signalled = false
  process.on('SIGTERM', () => {
    if (signalled) process.exit(1)
    signalled = true
    stop.resolve(undefined)
  })

  const begin = await begun.promise
  try {
    const started = await startWorker(begin, (parts) => {
      services = new WorkerServices({ ...begin, channel }, parts)
      return services
    })
    expectShortLives()
    const within = await stop.promise
    const { cut } = await started.stop(within)
    await say({ kind: 'stopped', cut })
    process.exit()
  } catch (error) {
    const problems = error instanceof GatewayError ? error.problems : undefined
    await say({ kind: 'failed', problems, message: messageOf(error) })
    process.exit(1)
  }
}

async function startWorker(
  { file, record, slot, count, keys, pretty }: Begin,
  services: (parts: ConstructorParameters<typeof WorkerServices>[1]) => WorkerServices,
): Promise<Gateway> {
  const config = await judgedConfig(file, { disk: recordedDisk(record) })
  const secrets = new Redactor(config.secrets)
  const { level } = config.log
  const log = makeLog(
    pretty
      ? {
          level: level === 'info' ? 'warn' : level,
          secrets,
          worker: slot,
          show: (line) => void say({ kind: 'line', line }),
        }
      : { level, secrets, worker: slot },
  )
  const gateway = await startGateway(config, {
    log,
    secrets,
    worker: { slot, count, keys, pid: process.ppid, services },
  })
  if (pretty) {
    gateway.watch((event) => {
      if (event.type !== 'upstream.state') return
      void say({ kind: 'upstream', upstream: event.upstream, state: event.state })
    })
  }
  const { url, adminUrl } = gateway
  const { plugins } = config
  await say({
    kind: 'listening',
    listening: {
      url,
      ...(adminUrl === undefined ? {} : { adminUrl }),
      plugins: plugins.map(({ id }) => id),
      shadow: plugins.flatMap(({ id, mode }) => (mode === 'shadow' ? id : [])),
      upstreams: gateway.status(),
    },
  })
  return gateway
}

/** Resolves when it is on its way, or cannot be: the primary is gone then. */
function say(message: ToPrimary): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve()
    else process.send(message, undefined, {}, () => resolve())
  })
}
