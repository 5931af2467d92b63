import type { Entry } from '../../sdk/index.ts'
import { isUnlisted } from '../catalog/uris.ts'

/** How many entries there are of each kind. */
export interface KindCounts {
  readonly tools: number
  readonly prompts: number
  readonly resources: number
  readonly templates: number
}

/** Counts entries by kind. */
export function kindCounts(entries: readonly Entry[]): KindCounts {
  // What stands for all that a server does not list is no template of its.
  const listed = entries.filter((entry) => !isUnlisted(entry))
  const of = (kind: Entry['kind']) => listed.filter((entry) => entry.kind === kind).length
  return {
    tools: of('tool'),
    prompts: of('prompt'),
    resources: of('resource'),
    templates: of('template'),
  }
}
