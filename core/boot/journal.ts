import type { Logger } from 'pino'
import type { CatalogChanged, Health, PluginFailed, UpstreamStatus } from '../../sdk/index.ts'
import { HookError, messageOf } from '../hooks/errors.ts'
import { SKIPPABLE } from '../hooks/hooks.ts'
import { kindCounts } from './kinds.ts'

/** Nobody can be anybody: what `check` warns of, and a start. */
export const CLOSED = {
  reason: 'no plugin authenticates callers, so every request is refused',
  hint: 'Enable one: see plugins/README.md.',
} as const

/** What a running gateway writes to its log. */
export class Journal {
  readonly #log: Logger
  /** Failures of this turn of the event loop that no request has owned up to. */
  #untold: PluginFailed[] = []

  constructor(log: Logger) {
    this.#log = log
  }

  /** A request failed: by a plugin, or by a bug. A plugin's failure and the request's are one line. */
  readonly fault = (err: unknown, requestId: string): void => {
    if (!(err instanceof HookError)) {
      this.#log.error({ err, requestId }, 'the gateway failed')
      return
    }
    const { plugin, hook, message, cause } = err
    const one = this.#untold.find((event) => event.plugin === plugin && event.cause === cause)
    if (one === undefined) {
      // Its cause stands in the log already, with the request that met it first.
      this.#log.error({ requestId, plugin, hook }, `a request failed: ${message}`)
    } else {
      this.#untold.splice(this.#untold.indexOf(one), 1)
      this.#tell(one, requestId)
    }
  }

  /** Something failed that nobody waits for. */
  readonly failed = (err: unknown, where: string): void => {
    this.#log.error({ err }, `${where} failed`)
  }

  /** A hook threw or hung. Told at the end of this turn, unless a request fails by it meanwhile. */
  failure(event: PluginFailed): void {
    if (this.#untold.push(event) > 1) return
    setImmediate(() => {
      for (const one of this.#untold.splice(0)) this.#tell(one)
    })
  }

  #tell({ plugin, hook, cause, skipped }: PluginFailed, requestId?: string): void {
    const text = `plugin ${plugin}, hook ${hook}: ${messageOf(cause)}`
    const request = requestId === undefined ? {} : { requestId }
    // Of hooks that nobody can skip, nothing was skipped by anybody's word.
    const word = SKIPPABLE.some((one) => one === hook) ? { skipped } : {}
    this.#log.error({ ...request, plugin, hook, err: cause, ...word }, text)
  }

  catalog({ revision, entries, collisions }: CatalogChanged): void {
    if (collisions.length > 0) {
      const text =
        'tools of the same name are hidden: give an upstream another prefix, or rename one'
      this.#log.warn({ collisions }, text)
    }
    this.#log.info({ revision, ...kindCounts(entries) }, 'catalog changed')
  }

  upstream(upstream: string, { stderr: _, ...fields }: UpstreamStatus): void {
    const level = fields.state === 'ready' ? 'info' : 'warn'
    this.#log[level]({ upstream, ...fields }, `upstream ${upstream} is ${fields.state}`)
  }

  /** A name in an upstream's settings that no tool has. */
  readonly unmatched = (upstream: string, where: string): void => {
    const text = `${where} matches no tool of ${upstream}. Correct or remove it.`
    this.#log.warn({ upstream }, text)
  }

  /** A request that was not let in. */
  readonly refused = (request: object): void => {
    this.#log.info(request, 'a request was refused')
  }

  /** A plugin is no longer well, or is so again. */
  readonly health = (plugin: string, { ok, detail }: Health): void => {
    const text = `plugin ${plugin} is ${ok ? 'well again' : 'not well'}`
    this.#log[ok ? 'info' : 'warn']({ plugin, ok, detail }, text)
  }

  /** Nobody can be anybody. */
  closed(): void {
    this.#log.warn({}, `${CLOSED.reason}. ${CLOSED.hint}`)
  }

  stopped(cut: number): void {
    const were = cut === 1 ? '1 call was' : `${cut} calls were`
    this.#log.info({ cut }, cut === 0 ? 'stopped' : `stopped; ${were} cut`)
  }
}
