import type { Wheel } from '../hooks/wheel.ts'
import type { Implementation } from '../wire/protocol.ts'
import { discovered, discoverRequest, notModern, refusedProbe, silentProbe } from './handshake.ts'
import { ConnectError, type Lost, type ServerFacts } from './link.ts'
import { DEAF } from './message.ts'
import { PipeLink } from './pipe-link.ts'
import type { UpstreamConfig } from './settings.ts'
import { StdioProcess } from './stdio-process.ts'
import type { Approach } from './verdicts.ts'

/** How long a modern answer is waited for before the old handshake is tried too. */
const PROBE = 3_000

/** A stdio server, in either era. */
export class StdioLink extends PipeLink {
  readonly transport = 'stdio'
  readonly #process: StdioProcess

  /** @param stderr told every line the server writes there */
  constructor(
    config: UpstreamConfig,
    us: Implementation,
    wheel: Wheel,
    stderr: (line: string) => void,
  ) {
    super(us, wheel)
    this.#process = new StdioProcess(config, wheel, {
      frame: (line) => this.take(line),
      stderr,
      exited: (reason) =>
        this.end(
          { message: `the server ${reason}`, executed: 'unknown', unreachable: true },
          NOT_RUNNING,
        ),
    })
  }

  get stderr(): readonly string[] {
    return this.#process.stderr
  }

  /**
   * Finds out the era, as far as it is not known, and shakes hands where there is a handshake.
   * @param capabilities what those it serves can be asked, as JSON; a legacy server is told once
   * @throws ConnectError
   */
  async connect(
    capabilities: string,
    approach: Approach,
    wheel: Wheel,
    signal: AbortSignal,
  ): Promise<void> {
    const facts = await new Promise<ServerFacts>((resolve, reject) => {
      const stop = () => reject(new ConnectError('did not answer in time'))
      if (signal.aborted) return stop()
      signal.addEventListener('abort', stop, { once: true })
      const found =
        approach.era === 'legacy'
          ? this.shakeHands(capabilities, approach.found)
          : this.#probe(capabilities, approach.era === 'modern', wheel)
      // A signal that is still listened to keeps the link, however dead its process is.
      found.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
    })
    this.met(facts)
  }

  protected write(message: string): void {
    // Line breaks are white space in JSON: a client's own formatting must not end the frame.
    const broken = message.includes('\n') || message.includes('\r')
    this.#process.write(broken ? message.replace(/[\r\n]/g, ' ') : message)
  }

  protected hangUp(): Promise<void> {
    return this.#process.stop()
  }

  /** @param only there is no other era to try */
  #probe(capabilities: string, only: boolean, wheel: Wheel): Promise<ServerFacts> {
    return new Promise((resolve, reject) => {
      let asked = false
      const shakeHands = (found: string) => {
        if (asked) return
        asked = true
        this.shakeHands(capabilities, found).then(resolve, reject)
      }
      // One that starts slowly may still answer the probe: whatever comes first counts.
      const late = only ? undefined : wheel.after(PROBE, () => shakeHands(silentProbe(PROBE)))
      const heard = () => late !== undefined && wheel.remove(late)
      this.send(discoverRequest(this.us), {
        answered: (message) => {
          heard()
          const facts = discovered(message)
          if (facts !== undefined) resolve(facts)
          else if (only) reject(notModern(refusedProbe(message)))
          else shakeHands(refusedProbe(message))
        },
        ...DEAF,
        lost: (why) => {
          heard()
          reject(new ConnectError(why.message))
        },
      })
    })
  }
}

const NOT_RUNNING: Lost = {
  message: 'the server is not running',
  executed: false,
  unreachable: true,
}
