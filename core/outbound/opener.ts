import type { CredentialsQuery } from '../../sdk/index.ts'
import type { Asker } from './asker.ts'
import type { FlatHeaders } from './call-host.ts'
import { NOTHING } from './declared.ts'
import type { HttpShared } from './http-link.ts'
import { openHttp } from './http-open.ts'
import { HttpPool } from './http-pool.ts'
import { ConnectError, type Link } from './link.ts'
import type { UpstreamConfig } from './settings.ts'
import { StdioLink } from './stdio-link.ts'
import type { UpstreamHost } from './upstream-host.ts'
import { type Approach, Verdicts } from './verdicts.ts'
import { withCredentials } from './with-credentials.ts'

/** Opens links to one upstream and remembers what it learnt about its era. */
export class Opener {
  readonly #config: UpstreamConfig
  readonly #host: UpstreamHost
  readonly #http: HttpShared | undefined
  readonly #stop = new AbortController()
  readonly #verdicts: Verdicts
  /** A stdio server died of the probe; the old handshake has yet to show that it is better. */
  #suspected = false
  /** The last lines a stdio server wrote to stderr; `undefined` for other upstreams. */
  stderr: readonly string[] | undefined

  constructor(config: UpstreamConfig, host: UpstreamHost) {
    this.#config = config
    this.#host = host
    const { url, headers, connectTimeout, allowH2 } = config
    this.#verdicts = new Verdicts(config, () => host.wheel.now())
    if (url === undefined) return
    const { us, wheel } = host
    this.#http = { pool: new HttpPool(new URL(url), connectTimeout, allowH2), us, wheel, headers }
  }

  /** Whether an HTTP server found to be legacy should be asked again. */
  get verdictExpired(): boolean {
    return this.#http !== undefined && this.#verdicts.expired
  }

  /**
   * Opens a link within `connectTimeout`.
   * @param asker who needs it; `undefined` when the gateway itself does
   * @throws ConnectError, HookError or Refused
   */
  async open(asker: Asker | undefined): Promise<Link> {
    const { wheel, vault } = this.#host
    const late = new AbortController()
    const alarm = wheel.after(this.#config.connectTimeout, () => late.abort())
    const signal = AbortSignal.any([late.signal, this.#stop.signal])
    try {
      const { capabilities = NOTHING, ...who } = asker ?? {}
      if (this.#http === undefined) return await this.#openStdio(capabilities, signal)
      const http = this.#http
      const query: CredentialsQuery = { ...who, upstream: this.#config.id, purpose: 'discover' }
      return await withCredentials(vault, query, (headers) =>
        this.#openHttp(http, headers, capabilities, signal),
      )
    } finally {
      wheel.remove(alarm)
    }
  }

  /** Gives up what is being opened. */
  abort(): void {
    this.#stop.abort()
  }

  /** Ends what links share. */
  async close(): Promise<void> {
    await this.#http?.pool.close()
  }

  async #openHttp(
    http: HttpShared,
    credentials: FlatHeaders,
    capabilities: string,
    signal: AbortSignal,
  ): Promise<Link> {
    const { approach } = this.#verdicts
    try {
      const { link, certain } = await openHttp(http, credentials, capabilities, approach, signal)
      const { era, found } = link.facts
      if (era === 'legacy' && found !== approach.found) {
        const transport = link.transport === 'sse' ? 'sse' : 'http'
        this.#verdicts.learn({ transport, era, found }, certain)
      }
      return link
    } catch (error) {
      this.#verdicts.forget()
      // It may have been upgraded. One that answered at all is asked at once, any other by the next attempt.
      const answered = error instanceof ConnectError && NOT_SPOKEN.has(error.httpStatus)
      if (!answered || this.#verdicts.approach.era === approach.era) throw error
      return this.#openHttp(http, credentials, capabilities, signal)
    }
  }

  async #openStdio(capabilities: string, signal: AbortSignal): Promise<Link> {
    const { wheel, us, log } = this.#host
    const { id } = this.#config
    const link = new StdioLink(this.#config, us, wheel, (line) =>
      log.info({ upstream: id, stderr: line }, 'stderr'),
    )
    this.stderr = link.stderr
    const { approach } = this.#verdicts
    const skipProbe = approach.era === 'legacy'
    try {
      await link.connect(capabilities, approach, wheel, signal)
      const { era, found } = link.facts
      if (era === 'legacy' && (!skipProbe || this.#suspected)) {
        this.#verdicts.learn({ transport: 'auto', era, found }, true)
      }
      this.#suspected = false
      return link
    } catch (error) {
      // Some servers die of an unknown first request.
      this.#suspected = !skipProbe
      if (skipProbe) this.#verdicts.forget()
      else this.#verdicts.learn(DIED_OF_PROBE, false)
      await link.close()
      throw error
    }
  }
}

/** How servers refuse what they do not speak. */
const NOT_SPOKEN: ReadonlySet<number | undefined> = new Set([400, 404, 405])

const DIED_OF_PROBE: Approach = {
  transport: 'auto',
  era: 'legacy',
  found: 'initialize, after server/discover ended the process',
}
