import { Redactor } from '../services/redactor.ts'
import { CommandError } from './commands/command-error.ts'
import { judgedConfig } from './config/judged-config.ts'
import { makeLog } from './log.ts'
import { firstSignal } from './signals.ts'
import { ownStdout } from './stdout.ts'

/**
 * Serves one client over stdin and stdout with everything that a config file says, and opens no port. Ends
 * when the client does, or with a signal: calls in flight may finish within `drain`. The log goes to stderr.
 * @param profile at whose endpoint the client stands
 * @throws CommandError when there is no such profile
 * @throws GatewayError when it cannot be built or started
 */
export async function serveStdio(file: string, profile: string | undefined): Promise<void> {
  const output = ownStdout()
  const config = await judgedConfig(file)
  if (profile !== undefined && !config.profiles.includes(profile)) {
    throw new CommandError({
      code: 'PROFILE',
      path: '--profile',
      reason: `the config has no profile ${profile}`,
      hint: `Write it below \`profiles\`, or name one of: ${config.profiles.join(', ') || '(there are none)'}.`,
    })
  }
  const { startGateway } = await import('./gateway.ts')
  const secrets = new Redactor(config.secrets)
  const log = makeLog({ level: config.log.level, secrets, stderr: true })
  const ended = Promise.withResolvers<void>()
  const signal = firstSignal()
  const gateway = await startGateway(config, {
    log,
    secrets,
    client: {
      input: process.stdin,
      output,
      principal: config.stdio.principal,
      path: profile === undefined ? '/mcp' : `/mcp/${profile}`,
      ended: ended.resolve,
    },
  })
  await Promise.race([signal, ended.promise])
  await gateway.stop()
  // Whatever a plugin left open must not keep a stopped gateway running.
  setImmediate(() => process.exit())
}
