import { Wheel } from '../../hooks/wheel.ts'
import { HttpPool } from '../../outbound/http-pool.ts'
import { Redactor } from '../../services/redactor.ts'
import { systemClock } from '../../services/system-clock.ts'
import { CommandError } from '../commands/command-error.ts'
import { makeLog } from '../log.ts'
import { firstSignal } from '../signals.ts'
import { ownStdout } from '../stdout.ts'
import { Bridge } from './bridge.ts'
import { givenHeaders } from './given-headers.ts'
import { Remote } from './remote.ts'

const CONNECT_TIMEOUT = 10_000
/** How long answers that are still to come are waited for at the end, in milliseconds. */
const DRAIN = 10_000
/** How long the server may take to hear that the session is over, in milliseconds. */
const GOODBYE = 1_000
const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/

/**
 * Connects one client on stdin and stdout to a server of Streamable HTTP. Ends when the client does, or
 * with a signal; the log goes to stderr.
 * @param given `Name: value` each, sent with every request
 * @throws CommandError for an address that is none
 * @throws GatewayError for headers that are none
 */
export async function connectStdio(address: string, given: readonly string[]): Promise<void> {
  const output = ownStdout()
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '') {
    throw new CommandError({
      code: 'ADDRESS',
      path: '--connect',
      reason: 'is no http or https address',
      hint: 'Write one like https://gateway.example/mcp; credentials go into `--header`.',
    })
  }
  const { headers, secrets } = givenHeaders(given)
  const log = makeLog({ level: 'info', secrets: new Redactor(secrets), stderr: true })
  if (url.protocol === 'http:' && !LOOPBACK.test(url.hostname) && given.length > 0) {
    log.warn({}, 'headers are sent without TLS: whoever is in between can read them')
  }
  const wheel = new Wheel(systemClock)
  const remote = new Remote(new HttpPool(url, CONNECT_TIMEOUT, true), wheel, headers)
  const ended = Promise.withResolvers<void>()
  const signal = firstSignal()
  const bridge = new Bridge({
    input: process.stdin,
    output,
    remote,
    warn: (reason) => log.warn({}, reason),
    ended: ended.resolve,
  })
  bridge.listen()
  await Promise.race([signal, ended.promise])
  const elapsed = (ms: number) => new Promise<void>((resolve) => wheel.after(ms, resolve))
  await Promise.race([bridge.idle(), elapsed(DRAIN)])
  await Promise.race([bridge.close(), elapsed(GOODBYE)])
  wheel.close()
  setImmediate(() => process.exit())
}
