import type { Health } from '../../sdk/index.ts'
import { GatewayError, HookError, messageOf } from './errors.ts'
import type { HookTable, Listener } from './hooks.ts'

/** Starts and stops the plugins of one kernel, in order. */
export class Lifecycle {
  readonly #hooks: HookTable
  #started: string[] = []

  constructor(hooks: HookTable) {
    this.#hooks = hooks
  }

  /**
   * Starts every plugin in its turn. When one fails, those that were started are stopped in reverse,
   * the failed one included: its `stop` promises to be safe then.
   * @throws GatewayError naming the plugin
   */
  async start(): Promise<void> {
    const starting = new Set((this.#hooks.on.start ?? []).map(({ plugin }) => plugin))
    // A plugin that has nothing to start may have something to stop all the same.
    this.#started = (this.#hooks.on.stop ?? []).flatMap(({ plugin }) =>
      starting.has(plugin) ? [] : plugin,
    )
    for (const one of this.#hooks.on.start ?? []) {
      this.#started.push(one.plugin)
      try {
        await this.#run(one)
      } catch (cause) {
        await this.stop()
        throw new GatewayError(
          [
            {
              code: 'PLUGIN_START_FAILED',
              where: `plugin ${one.plugin}`,
              reason: `start failed: ${messageOf(cause instanceof HookError ? cause.cause : cause)}`,
              hint: 'Mend it, or disable the plugin with `enabled: false`.',
            },
          ],
          { cause },
        )
      }
    }
  }

  /** Stops in reverse order. A plugin that fails to stop is reported and holds nobody up. Idempotent. */
  async stop(): Promise<void> {
    const started = new Set(this.#started)
    this.#started = []
    for (const one of [...(this.#hooks.on.stop ?? [])].reverse()) {
      if (!started.has(one.plugin)) continue
      await this.#run(one).catch(() => {})
    }
  }

  /** Every plugin's health; one that throws or hangs is not well. */
  async health(): Promise<Record<string, Health>> {
    const all = await Promise.all(
      (this.#hooks.on.health ?? []).map(async (one): Promise<[string, Health]> => {
        try {
          return [one.plugin, await this.#hooks.settle(Promise.resolve().then(one.run), one)]
        } catch (error) {
          return [one.plugin, { ok: false, detail: (error as Error).message }]
        }
      }),
    )
    return Object.fromEntries(all)
  }

  #run(one: Listener<'start'> | Listener<'stop'>): Promise<void> {
    return this.#hooks.settle(Promise.resolve().then(one.run), one)
  }
}
