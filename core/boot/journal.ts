import type { Logger } from 'pino'
import type { CatalogChanged, Health, PluginFailed, UpstreamStatus } from '../../sdk/index.ts'
import { HookError, messageOf } from '../hooks/errors.ts'

/** What a running gateway writes to its log. */
export class Journal {
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  /** A request failed: by a plugin, whose failure and cause stand in the log already, or by a bug. */
  readonly fault = (err: unknown, requestId: string): void => {
    if (err instanceof HookError) {
      const { plugin, hook, message } = err
      this.#log.error({ requestId, plugin, hook }, `a request failed: ${message}`)
    } else this.#log.error({ err, requestId }, 'the gateway failed')
  }

  /** A hook threw or hung. */
  failure({ plugin, hook, cause, skipped }: PluginFailed): void {
    const text = `plugin ${plugin}, hook ${hook}: ${messageOf(cause)}`
    this.#log.error({ plugin, hook, err: cause, skipped }, text)
  }

  catalog({ revision, entries, collisions }: CatalogChanged): void {
    if (collisions.length > 0) {
      const text =
        'tools of the same name are hidden: give an upstream another prefix, or rename one'
      this.#log.warn({ collisions }, text)
    }
    this.#log.info({ revision, tools: entries.length }, 'catalog changed')
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
    const text =
      'no plugin authenticates callers, so every request is refused. Enable one: see plugins/README.md'
    this.#log.warn({}, text)
  }

  stopped(cut: number): void {
    const were = cut === 1 ? '1 call was' : `${cut} calls were`
    this.#log.info({ cut }, cut === 0 ? 'stopped' : `stopped; ${were} cut`)
  }
}
