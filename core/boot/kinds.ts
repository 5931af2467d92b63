import type { Entry } from '../../sdk/index.ts'

/** How many entries there are of each kind. */
export interface KindCounts {
  readonly tools: number
  readonly prompts: number
  readonly resources: number
  readonly templates: number
}

/** Counts entries by kind. */
export function kindCounts(entries: readonly Entry[]): KindCounts {
  const of = (kind: Entry['kind']) => entries.filter((entry) => entry.kind === kind).length
  return {
    tools: of('tool'),
    prompts: of('prompt'),
    resources: of('resource'),
    templates: of('template'),
  }
}
