import {
  type Call,
  Calls,
  Clock,
  definePlugin,
  type Entry,
  Http,
  Info,
  InvalidSettings,
  isKind,
  Log,
  type Target,
} from 'mcp-patchbay/sdk'
import { Deadlines } from './deadlines.ts'
import { FailureNews } from './failure-news.ts'
import { letsIn } from './place.ts'
import { type Placed, Progress, type Terms } from './progress.ts'
import { Rule } from './rule.ts'
import { SETTINGS } from './settings.ts'
import { Frames } from './tool-source.ts'

/** Adds what others know to results of tools. */
export default definePlugin({
  name: 'enrichment',
  version: '0.1.0',
  phase: 'shape',
  configSchema: SETTINGS,
  needs: { calls: Calls, clock: Clock, http: Http, info: Info, log: Log },
  setup({ rules: written, budget, maxResult }, { calls, clock, http, info, log }) {
    const deadlines = new Deadlines(clock)
    const frames = new Frames()
    const rules = written.map(
      (one, index) => new Rule(one, { calls, clock, http, frames, deadlines }, `rules[${index}]`),
    )
    assertNames(rules)
    const news = new FailureNews(log, clock)
    const terms: Terms = {
      key: `patchbay/${info.plugin}`,
      budget,
      largest: maxResult,
      frames,
      now: () => clock.monotonic(),
      failed: (rule, failure) => news.tell(rule.name, failure),
    }
    // By target, and in the last place for calls that have none.
    const placed = new WeakMap<Entry, readonly (readonly Placed[])[]>()
    const rulesOf = ({ entry, target }: Call): readonly Placed[] => {
      let sets = placed.get(entry)
      if (sets === undefined) {
        sets = [...entry.targets, undefined].map((one) => placedIn(rules, entry, one))
        placed.set(entry, sets)
      }
      return sets[placeIn(entry, target)] as readonly Placed[]
    }
    const unmatched = new Set(rules)
    return {
      afterCall(call, outcome) {
        if (outcome.kind !== 'result' || call.method !== 'tools/call') return undefined
        const applied = rulesOf(call)
        return applied.length === 0 ? undefined : new Progress(terms, call, outcome).run(applied)
      },
      observes: ['catalog.changed'],
      observe(event) {
        if (event.type !== 'catalog.changed' || !event.complete || unmatched.size === 0) return
        for (const rule of unmatched) {
          const covers = (entry: Entry) => entry.targets.some((one) => rule.covers(entry, one))
          if (!event.entries.some(covers)) {
            log.warn(
              { rule: rule.name },
              `the rule ${rule.name} matches no tool of any upstream. Correct or remove it, unless an upstream that is down has such a tool.`,
            )
          }
        }
        unmatched.clear()
      },
      stop: () => deadlines.close(),
      status: () => ({
        rules: Object.fromEntries(rules.map(({ name, tally }) => [name, { ...tally }])),
      }),
    }
  },
})

function assertNames(rules: readonly Rule[]): void {
  const first = new Map<string, number>()
  for (const [index, { name }] of rules.entries()) {
    const before = first.get(name)
    if (before !== undefined) {
      const reason = `is also the name of rules[${before}]`
      throw new InvalidSettings(`rules[${index}].name`, reason, 'Give each its own.')
    }
    first.set(name, index)
  }
}

/** Which of an entry's targets it is; one past the last when it is none. */
function placeIn({ targets }: Entry, target: Target | undefined): number {
  if (target === undefined) return targets.length
  if (targets.length === 1) return 0
  const { upstream, plugin, name } = target
  const same = (one: Target) =>
    one.upstream === upstream && one.plugin === plugin && one.name === name
  const at = targets.findIndex(same)
  return at < 0 ? targets.length : at
}

function placedIn(rules: readonly Rule[], entry: Entry, target: Target | undefined): Placed[] {
  if (!isKind(entry, 'tool')) return []
  const { outputSchema } = entry.definition
  return rules
    .filter((rule) => rule.covers(entry, target))
    .map((rule) => ({
      rule,
      lets: outputSchema === undefined || letsIn(outputSchema, rule.at?.steps ?? []),
    }))
}
