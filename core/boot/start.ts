import { Redactor } from '../services/redactor.ts'
import { Banner } from './banner.ts'
import type { Terminal } from './commands/terminal.ts'
import { RecordingDisk } from './config/config-disk.ts'
import { judgedConfig } from './config/judged-config.ts'
import { expectShortLives } from './engine.ts'
import { makeLog } from './log.ts'
import { firstSignal } from './signals.ts'

/**
 * Runs a gateway until a signal ends it. The first SIGTERM or SIGINT lets open calls finish within
 * `drain`, a second one ends the process at once.
 * @param pretty a banner and lines for people; otherwise only JSON lines
 * @throws GatewayError when it cannot be built or started
 */
export async function start(file: string, pretty: boolean, terminal: Terminal): Promise<void> {
  const disk = new RecordingDisk()
  const config = await judgedConfig(file, { disk })
  if (config.workers > 1) {
    const { startWorkers } = await import('./workers/primary.ts')
    return startWorkers(config, disk, pretty, terminal)
  }
  const { startGateway } = await import('./gateway.ts')
  const secrets = new Redactor(config.secrets)
  const banner = pretty ? new Banner(config, terminal.out) : undefined
  const { level } = config.log
  // The banner tells what `info` would, in fewer words.
  const log = makeLog(
    banner === undefined
      ? { level, secrets }
      : { level: level === 'info' ? 'warn' : level, secrets, show: (line) => banner.log(line) },
  )
  // Listened for before anything runs: a signal during the start ends in a proper stop too.
  const signal = firstSignal()
  const gateway = await startGateway(config, { log, secrets })
  banner?.open(gateway)
  expectShortLives()
  await signal
  const { cut } = await gateway.stop()
  banner?.close(cut)
  // Whatever a plugin left open must not keep a stopped gateway running.
  setImmediate(() => process.exit())
}
