import type { HttpShared } from './http-link.ts'
import { openHttp } from './http-open.ts'
import { HttpPool } from './http-pool.ts'
import type { Link } from './link.ts'
import type { UpstreamConfig } from './settings.ts'
import { StdioLink } from './stdio-link.ts'
import type { UpstreamHost } from './upstream.ts'

/** A server that only knew the old handshake may have been upgraded since. */
const VERDICT = 60 * 60_000
/** How long a server that died of the probe is asked the old way. */
const AFTER_DEATH = 60_000

/** Opens links to one upstream and remembers what it learnt about its era. */
export class Opener {
  readonly #config: UpstreamConfig
  readonly #host: UpstreamHost
  readonly #http: HttpShared | undefined
  #legacyUntil = 0
  /** The last lines a stdio server wrote to stderr; `undefined` for other upstreams. */
  stderr: readonly string[] | undefined

  constructor(config: UpstreamConfig, host: UpstreamHost) {
    this.#config = config
    this.#host = host
    this.#http =
      config.url === undefined
        ? undefined
        : {
            pool: new HttpPool(new URL(config.url), config.connectTimeout),
            us: host.us,
            headers: Object.entries(config.headers).flat(),
          }
  }

  /** Whether an HTTP server found to be legacy should be asked again. */
  get verdictExpired(): boolean {
    return this.#http !== undefined && this.#legacyUntil <= this.#host.wheel.now()
  }

  /** Opens a link within `connectTimeout`. @throws ConnectError */
  async open(): Promise<Link> {
    const { wheel } = this.#host
    const controller = new AbortController()
    const alarm = wheel.after(this.#config.connectTimeout, () => controller.abort())
    const skipProbe = this.#legacyUntil > wheel.now()
    try {
      const link = await (this.#http === undefined
        ? this.#openStdio(skipProbe, controller.signal)
        : this.#openHttp(this.#http, skipProbe, controller.signal))
      if (link.facts.era === 'legacy' && !skipProbe) this.#legacyUntil = wheel.now() + VERDICT
      return link
    } finally {
      wheel.remove(alarm)
    }
  }

  /** Ends what links share. */
  async close(): Promise<void> {
    await this.#http?.pool.close()
  }

  async #openHttp(shared: HttpShared, skipProbe: boolean, signal: AbortSignal): Promise<Link> {
    const query = { upstream: this.#config.id, purpose: 'discover' } as const
    return openHttp(shared, await this.#host.vault.credentials(query), skipProbe, signal)
  }

  async #openStdio(skipProbe: boolean, signal: AbortSignal): Promise<Link> {
    const { wheel, us, log } = this.#host
    const { id } = this.#config
    const link = new StdioLink(this.#config, us, wheel, (line) =>
      log.info({ upstream: id, stderr: line }, 'stderr'),
    )
    this.stderr = link.stderr
    try {
      await link.connect(skipProbe, wheel, signal)
      return link
    } catch (error) {
      // Some servers die of an unknown first request.
      if (!skipProbe) this.#legacyUntil = wheel.now() + AFTER_DEATH
      void link.close()
      throw error
    }
  }
}
