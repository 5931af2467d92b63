import type { Metric } from '../../sdk/index.ts'
import type { HookCounts } from '../hooks/hook-counts.ts'

/** How many runs of a hook said what; a filter's denials are entries, not runs. */
export function verdictsOf(counts: HookCounts): Record<string, number> {
  const { hook, runs, failures, change, answer, ask, denial } = counts
  const said = change + answer + ask + (hook === 'listFilter' ? 0 : denial)
  const none = Math.max(0, runs - failures - said)
  return { none, change, answer, ask, denial }
}

/** The kernel's counters as metrics of the gateway: per plugin line and hook. */
export function hookMetrics(all: readonly HookCounts[]): Metric[] {
  const ran = all.filter(({ runs, failures }) => runs > 0 || failures > 0)
  const counter = (
    name: string,
    unit: string,
    description: string,
    seriesOf: (one: HookCounts) => readonly (readonly [labels: object, value: number])[],
  ): Metric => {
    const series = ran.flatMap((one) =>
      seriesOf(one).map(([labels, value]) => {
        return { labels: { plugin: one.plugin, hook: one.hook, ...labels }, value }
      }),
    )
    return { name, plugin: '', description, unit, kind: 'counter', series }
  }
  return [
    counter('patchbay.plugin.runs', '{run}', 'How often a hook of a plugin ran.', ({ runs }) => [
      [{}, runs],
    ]),
    counter(
      'patchbay.plugin.failures',
      '{failure}',
      'How often it threw, came too late or made no sense.',
      ({ failures }) => [[{}, failures]],
    ),
    counter(
      'patchbay.plugin.verdicts',
      '{verdict}',
      'What it said: none, change, answer, ask, denial.',
      (one) => Object.entries(verdictsOf(one)).map(([verdict, value]) => [{ verdict }, value]),
    ),
    counter(
      'patchbay.plugin.duration',
      's',
      'How long it took in all; estimated from every 32nd run where it answers at once.',
      ({ duration }) => [[{}, duration / 1_000]],
    ),
  ]
}
