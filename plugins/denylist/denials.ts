import type { Filter } from 'mcp-patchbay/sdk'
import { counts, type Override, OverrideTable } from './override.ts'
import { denies, type Rule } from './rule.ts'
import type { Yolo } from './yolo.ts'

/** What the filter is made of. */
export interface DenialParts {
  readonly rules: readonly Rule[]
  readonly yolo: Yolo | undefined
  /** Those known, ended ones included. */
  overrides(): readonly Override[]
}

/** The one filter that all callers share, until something changes or ends. */
export class Denials {
  readonly #parts: DenialParts
  /** Filters with other answers have other keys. */
  #made = 0
  #filter: Filter | undefined

  constructor(parts: DenialParts) {
    this.#parts = parts
  }

  /** What counts now. */
  filter(now: number): Filter {
    const kept = this.#filter
    if (kept !== undefined && (kept.until ?? Number.POSITIVE_INFINITY) > now) return kept
    this.#filter = this.#make(now)
    return this.#filter
  }

  /** Other overrides are known than before. */
  forget(): void {
    this.#filter = undefined
  }

  #make(now: number): Filter {
    const { rules: all, yolo, overrides } = this.#parts
    const active = overrides().filter((one) => counts(one, now))
    const table = new OverrideTable(active)
    const isOff = yolo !== undefined && now < yolo.until
    const rules = isOff ? [] : all
    const ends = active.flatMap(({ until }) => until ?? [])
    if (isOff) ends.push(yolo.until)
    return {
      key: `denylist ${++this.#made}`,
      ...(ends.length === 0 ? {} : { until: Math.min(...ends) }),
      test(entry, target) {
        if (entry.kind !== 'tool') return true
        const said = table.of(entry, target)
        if (said?.effect === 'allow') return true
        if (said !== undefined) {
          return { rule: `deny ${said.tool}`, reason: `denied by ${said.author}: ${said.reason}` }
        }
        for (const rule of rules) {
          const matched = denies(rule, entry, target)
          if (matched !== undefined) return { rule: matched, reason: `denied by ${rule.setting}` }
        }
        return true
      },
    }
  }
}
