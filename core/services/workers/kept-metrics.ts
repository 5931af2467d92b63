import type { KeyValue, Metric } from '../../../sdk/index.ts'
import { addedUp } from './merged-metrics.ts'

/** What all workers that are gone had counted. */
const RETIRED = 'metrics/retired'

/**
 * Keeps at the primary what each worker counted when it was last asked, so that a sum over all workers does not
 * fall when one dies: whoever reads sums that fall takes that for a restart of everything.
 */
export class KeptMetrics {
  readonly #kv: KeyValue
  readonly #slot: number
  /** What the worker before this one had counted is put away. */
  readonly #inherited: Promise<void>

  /** @param kv of the workers' own, kept by the primary */
  constructor(kv: KeyValue, slot: number) {
    this.#kv = kv
    this.#slot = slot
    // Without a primary there is nobody to tell numbers to.
    this.#inherited = this.#inherit().catch(() => {})
  }

  /** Keeps what this worker tells. @returns the same */
  keep(metrics: Metric[]): Metric[] {
    const text = JSON.stringify(metrics.filter(isCounted))
    const set = async () => this.#kv.set(keyOf(this.#slot), text)
    void this.#inherited.then(set).catch(() => {})
    return metrics
  }

  /** What is known of workers that are gone, and of those in these slots that do not answer. */
  async past(silent: readonly number[]): Promise<Metric[][]> {
    await this.#inherited
    const keys = [RETIRED, ...silent.map(keyOf)]
    const texts = await Promise.all(keys.map(async (key) => this.#kv.get(key)))
    return texts.flatMap((text) => (text === undefined ? [] : [JSON.parse(text) as Metric[]]))
  }

  async #inherit(): Promise<void> {
    const text = await this.#kv.take(keyOf(this.#slot))
    if (text === undefined) return
    const mine = JSON.parse(text) as Metric[]
    let kept = false
    while (!kept) {
      const before = await this.#kv.get(RETIRED)
      const sum = addedUp([JSON.parse(before ?? '[]') as Metric[], mine])
      kept = await this.#kv.compareAndSet(RETIRED, before, JSON.stringify(sum))
    }
  }
}

/** A gauge says what is, which is nothing once its worker is gone. */
function isCounted({ kind }: Metric): boolean {
  return kind !== 'gauge'
}

function keyOf(slot: number): string {
  return `metrics/${slot}`
}
