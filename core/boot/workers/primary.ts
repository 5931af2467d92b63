import type { Event, UpstreamStatus } from '../../../sdk/index.ts'
import { Wheel } from '../../hooks/wheel.ts'
import { sealKeys } from '../../services/keys.ts'
import { Redactor } from '../../services/redactor.ts'
import { systemClock } from '../../services/system-clock.ts'
import { Hub } from '../../services/workers/hub.ts'
import { refuseOccupied } from '../admin/occupant.ts'
import { Banner } from '../banner.ts'
import type { Terminal } from '../commands/terminal.ts'
import type { ConfigRecord } from '../config/config-disk.ts'
import type { GatewayConfig } from '../config/settings.ts'
import { makeLog } from '../log.ts'
import { firstSignal } from '../signals.ts'
import { Supervisor } from './supervisor.ts'
import { forkWorker } from './worker-process.ts'

/**
 * Runs a gateway of several workers until a signal ends it. This process serves nothing itself: it joins the
 * workers, keeps what they share, and replaces those that die.
 * @param record what the config was read from: every worker reads the same, whenever it starts
 * @param pretty a banner and lines for people; otherwise only JSON lines
 * @throws GatewayError when it cannot be started; no worker is left running then
 */
export async function startWorkers(
  config: GatewayConfig,
  { texts, found }: ConfigRecord,
  pretty: boolean,
  terminal: Terminal,
): Promise<void> {
  const secrets = new Redactor(config.secrets)
  const banner = pretty ? new Banner(config, terminal.out) : undefined
  const { level } = config.log
  const log = makeLog(
    banner === undefined
      ? { level, secrets }
      : { level: level === 'info' ? 'warn' : level, secrets, show: (line) => banner.log(line) },
  )
  const signal = firstSignal()
  await refuseOccupied(config)
  const keys = sealKeys(config.keys, config.data)
  for (const key of keys) secrets.add(key)
  const wheel = new Wheel(systemClock)
  const hub = new Hub(systemClock, wheel)
  const watching = new Set<(event: Event) => void>()
  const supervisor = new Supervisor({
    count: config.workers,
    begin: { file: config.file, record: { texts, found }, keys, pretty },
    drain: config.drain,
    hub,
    wheel,
    log,
    fork: forkWorker,
    heard(slot, message) {
      if (message.kind === 'line') banner?.log(message.line)
      // The banner tells of each upstream once, as the first worker sees it.
      if (message.kind === 'upstream' && slot === 0) {
        const { upstream, state } = message
        for (const tell of watching) tell({ type: 'upstream.state', upstream, state })
      }
    },
  })
  // A second signal, or a throw, ends this process at once: the workers go with it.
  process.once('exit', () => supervisor.kill())
  let stopped = false
  void signal.then(() => {
    stopped = true
    void supervisor.stop()
  })
  let listening: Awaited<ReturnType<Supervisor['start']>>
  try {
    listening = await supervisor.start()
  } catch (error) {
    wheel.close()
    // Whoever stops a gateway that is still starting has stopped it, no more.
    if (stopped) return
    throw error
  }
  const { url, adminUrl, plugins, shadow, upstreams } = listening
  const told = shadow.length === 0 ? {} : { shadow }
  log.info({ url, admin: adminUrl, workers: config.workers, plugins, ...told }, 'listening')
  tellOwn(config, (upstream, text) => log.info({ upstream }, text))
  banner?.open({
    url,
    ...(adminUrl === undefined ? {} : { adminUrl }),
    status: (): Record<string, UpstreamStatus> => upstreams,
    watch: (listener) => watching.add(listener),
  })
  await signal
  const cut = await supervisor.stop()
  log.info({ cut }, 'all workers stopped')
  banner?.close(cut)
  hub.close()
  wheel.close()
  setImmediate(() => process.exit())
}

/** Says of which servers there will be as many as there are workers. */
function tellOwn(
  { upstreams, workers }: GatewayConfig,
  tell: (upstream: string, text: string) => void,
): void {
  for (const { id, enabled, command, transport } of upstreams) {
    if (!enabled) continue
    const of = `each of the ${workers} workers has`
    if (command !== undefined) tell(id, `${of} a process of ${id} for itself`)
    else if (transport === 'sse') tell(id, `${of} a connection to ${id} for itself`)
  }
}
