import type { CredentialsQuery } from '../../sdk/index.ts'
import type { Asker } from './asker.ts'
import type { HttpShared } from './http-link.ts'
import { openHttp } from './http-open.ts'
import { HttpPool } from './http-pool.ts'
import { ConnectError, type Link } from './link.ts'
import type { UpstreamConfig } from './settings.ts'
import { StdioLink } from './stdio-link.ts'
import type { UpstreamHost } from './upstream-host.ts'

/** A server that only knew the old handshake may have been upgraded since. */
const VERDICT = 60 * 60_000
/** How long a server that died of the probe, or said nothing to it, is asked the old way. */
const DOUBTFUL = 60_000

/** Opens links to one upstream and remembers what it learnt about its era. */
export class Opener {
  readonly #config: UpstreamConfig
  readonly #host: UpstreamHost
  readonly #http: HttpShared | undefined
  readonly #stop = new AbortController()
  #legacyUntil = 0
  /** A stdio server died of the probe; the old handshake has yet to show that it is better. */
  #suspected = false
  /** The last lines a stdio server wrote to stderr; `undefined` for other upstreams. */
  stderr: readonly string[] | undefined

  constructor(config: UpstreamConfig, host: UpstreamHost) {
    this.#config = config
    this.#host = host
    const { url, headers, connectTimeout } = config
    if (url === undefined) return
    const { us, wheel } = host
    this.#http = { pool: new HttpPool(new URL(url), connectTimeout), us, wheel, headers }
  }

  /** Whether an HTTP server found to be legacy should be asked again. */
  get verdictExpired(): boolean {
    return this.#http !== undefined && this.#legacyUntil <= this.#host.wheel.now()
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
      if (this.#http === undefined) return await this.#openStdio(signal)
      const query: CredentialsQuery = { ...asker, upstream: this.#config.id, purpose: 'discover' }
      try {
        return await this.#openHttp(this.#http, query, signal)
      } catch (error) {
        const { httpStatus, challenge } = error instanceof ConnectError ? error : NO_STATUS
        if (httpStatus !== 401 && httpStatus !== 403) throw error
        if ((await vault.refused(query, httpStatus, challenge)) !== 'retry') throw error
        return await this.#openHttp(this.#http, query, signal)
      }
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

  async #openHttp(http: HttpShared, query: CredentialsQuery, signal: AbortSignal): Promise<Link> {
    const { wheel, vault } = this.#host
    const credentials = await vault.credentials(query)
    const skipProbe = this.#legacyUntil > wheel.now()
    try {
      const { link, certain } = await openHttp(http, credentials, skipProbe, signal)
      if (link.facts.era === 'legacy' && !skipProbe) {
        this.#legacyUntil = wheel.now() + (certain ? VERDICT : DOUBTFUL)
      }
      return link
    } catch (error) {
      // It may have been upgraded: the next attempt asks.
      if (skipProbe) this.#legacyUntil = 0
      throw error
    }
  }

  async #openStdio(signal: AbortSignal): Promise<Link> {
    const { wheel, us, log } = this.#host
    const { id } = this.#config
    const link = new StdioLink(this.#config, us, wheel, (line) =>
      log.info({ upstream: id, stderr: line }, 'stderr'),
    )
    this.stderr = link.stderr
    const skipProbe = this.#legacyUntil > wheel.now()
    try {
      await link.connect(skipProbe, wheel, signal)
      if (link.facts.era === 'legacy' && (!skipProbe || this.#suspected)) {
        this.#legacyUntil = wheel.now() + VERDICT
      }
      this.#suspected = false
      return link
    } catch (error) {
      // Some servers die of an unknown first request.
      this.#suspected = !skipProbe
      this.#legacyUntil = skipProbe ? 0 : wheel.now() + DOUBTFUL
      await link.close()
      throw error
    }
  }
}

const NO_STATUS = { httpStatus: undefined, challenge: undefined }
