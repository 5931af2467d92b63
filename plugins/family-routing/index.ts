import {
  Catalog,
  definePlugin,
  type Entry,
  Info,
  Log,
  type PermittedEntry,
  type Presentation,
} from 'mcp-patchbay/sdk'
import { Arrangement } from './arrangement.ts'
import { familiesOf } from './family.ts'
import { statusOf } from './family-status.ts'
import { withInstances } from './instance-argument.ts'
import { instancesOf, placeOf } from './place.ts'
import { route } from './routing.ts'

/** So many names that are left out are warned of: names come from servers. */
const MOST_WARNINGS = 100

/** Servers that do the same for different places, as one set of tools with an argument that says where. */
export default definePlugin({
  name: 'family-routing',
  version: '0.1.0',
  phase: 'shape',
  shadow: true,
  configSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      maxEnum: {
        type: 'integer',
        minimum: 0,
        default: 100,
        description:
          'How many instances a schema lists. Where a caller has more, the argument is any string, and a call ' +
          'with an unknown one is answered with up to 100 names, those like it first.',
      },
    },
  },
  upstreamSettings: {
    key: 'family',
    schema: {
      type: 'object',
      additionalProperties: false,
      required: ['name', 'instanceArg'],
      properties: {
        name: {
          type: 'string',
          minLength: 1,
          maxLength: 64,
          description:
            'The family that the upstream belongs to: what merged tools are prefixed with.',
        },
        instanceArg: {
          type: 'string',
          pattern: '^[A-Za-z0-9_.-]{1,64}$',
          description: 'The argument that says which member is meant; the same for all members.',
        },
        instance: {
          type: 'string',
          minLength: 1,
          maxLength: 64,
          description: "What callers name this member by; the upstream's id when left out.",
        },
      },
    },
  },
  needs: { catalog: Catalog, info: Info, log: Log },
  setup({ maxEnum }, { catalog, info, log }, upstreams) {
    const families = familiesOf(upstreams)
    for (const { name } of families.values()) {
      if (!info.upstreams.includes(name)) continue
      throw new Error(
        `the family ${name} has the name of an upstream, and what they have would have the same names. Give one of them another.`,
      )
    }
    const hidden = new Set<string>()
    const hide = ({ kind, name, targets }: Entry) => {
      if (hidden.has(name) || hidden.size >= MOST_WARNINGS) return
      hidden.add(name)
      const upstream = targets.map((one) => one.upstream).join(', ')
      log.warn(
        { upstream, name },
        `The ${kind} ${name} of ${upstream} is left out: a family has that name. Give the upstream another \`prefix\`.`,
      )
    }
    const arrangement = new Arrangement({
      families,
      maxEnum,
      hide,
      publicName: (group, name) => info.publicName(group, name),
    })
    const narrow = (entry: PermittedEntry): PermittedEntry => {
      const { candidates, targets } = entry
      const place = placeOf(targets[0])
      if (place?.how !== 'merged' || candidates.length === targets.length) return entry
      if (entry.kind !== 'tool') return entry
      const own = instancesOf(place.family, candidates)
      return { ...entry, definition: withInstances(entry, place.family, own, maxEnum) }
    }
    // What it makes follows from the entries and their candidates alone.
    const presentation: Presentation = { key: '', apply: (entries) => entries.map(narrow) }
    return {
      arrange: (entries) => arrangement.arrange(entries),
      present: () => presentation,
      beforeCall: route,
      start() {
        for (const { name, conflict } of new Set(families.values())) {
          if (conflict === undefined) continue
          const advice = 'Nothing of it is merged: write the same `instanceArg` for all of them.'
          log.warn({ family: name }, `Family ${name}: ${conflict}. ${advice}`)
        }
      },
      status: () => statusOf(new Set(families.values()), catalog.entries),
    }
  },
})
