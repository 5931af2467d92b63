import type { Catalog, Clock, Command, Events, Principal } from 'mcp-patchbay/sdk'
import { counts, type Override, OverrideTable } from './override.ts'
import type { Overrides } from './overrides.ts'

/** More than this is a list of its own, and belongs in the settings. */
const MOST = 1_000
/** What should last longer than this belongs in the settings, in milliseconds. */
const LONGEST_ALLOWED = 30 * 24 * 3_600_000

const TOOL = {
  type: 'string',
  minLength: 1,
  maxLength: 512,
  description:
    "The tool's name, without wildcards: the public one, or to deny also the upstream's own.",
} as const
const REASON = {
  type: 'string',
  minLength: 1,
  maxLength: 1_000,
  description: 'Why, for those who come after.',
} as const
const FOR = {
  type: 'string',
  format: 'duration',
  description: 'How long, for example `2h`.',
} as const

/** What the commands work on. */
export interface CommandParts {
  readonly overrides: Overrides
  readonly clock: Clock
  readonly catalog: Catalog
  readonly events: Events
}

/** What operators run: `deny`, `allow`, `undeny` and `list`. */
export function commandsOf(parts: CommandParts): Readonly<Record<string, Command>> {
  const { overrides, clock, events } = parts
  const put = async (
    effect: Override['effect'],
    args: Readonly<Record<string, unknown>>,
    principal: Principal,
  ) => {
    const { tool, reason, for: ms } = args as { tool: string; reason: string; for?: number }
    if (ms !== undefined && ms <= 0) throw new Error('`for` must be above 0')
    const now = clock.now()
    const isNew = !overrides.known.some((one) => one.tool === tool)
    if (isNew && overrides.known.length >= MOST) {
      throw new Error(
        `there are ${MOST} overrides: move some to the settings, then \`undeny\` them`,
      )
    }
    const until = ms === undefined ? null : now + ms
    const author = authorOf(principal)
    const override: Override = { tool, effect, author, reason, since: now, until }
    await overrides.put(override)
    events.emit(effect, shown(override))
    return { ...shown(override), ...matchesOf(override, parts) }
  }
  return {
    deny: {
      description: 'denies a tool from now on: tool, reason, for how long',
      args: argsOf(['tool', 'reason'], { tool: TOOL, reason: REASON, for: FOR }),
      run: (args, { principal }) => put('deny', args, principal),
    },
    allow: {
      description: 'lets a tool pass this list for a while: tool, reason, for how long',
      args: argsOf(['tool', 'reason', 'for'], { tool: TOOL, reason: REASON, for: FOR }),
      run(args, { principal }) {
        if ((args.for as number) > LONGEST_ALLOWED) {
          throw new Error('`for` is more than 30 days: take the tool off the list in the settings')
        }
        return put('allow', args, principal)
      },
    },
    undeny: {
      description: 'takes back what `deny` or `allow` said: tool',
      args: argsOf(['tool'], { tool: TOOL }),
      async run({ tool }, { principal }) {
        const removed = await overrides.remove(tool as string)
        if (removed === undefined) {
          const names = overrides.known.map((one) => one.tool).join(', ')
          throw new Error(`nothing was said about ${tool}. Known: ${names || 'none'}`)
        }
        events.emit('undeny', { ...shown(removed), by: authorOf(principal) })
        return `The settings decide about ${tool} again.`
      },
    },
    list: {
      description: 'prints what `deny` and `allow` said, as far as it counts',
      run: () => overrides.known.filter((one) => counts(one, clock.now())).map(shown),
    },
  }
}

/** An override as operators read it. */
export function shown({ tool, effect, author, reason, since, until }: Override) {
  const end = until === null ? {} : { until: new Date(until).toISOString() }
  return { tool, effect, author, reason, since: new Date(since).toISOString(), ...end }
}

function argsOf(required: readonly string[], properties: object) {
  return { type: 'object', additionalProperties: false, required, properties } as const
}

function authorOf({ issuer, subject }: Principal): string {
  return `${subject} (${issuer})`
}

/** What an override hits of what is listed now: nothing is perhaps a slip of the pen. */
function matchesOf(override: Override, { catalog }: CommandParts) {
  const table = new OverrideTable([override])
  const matches = catalog.entries.flatMap((entry) =>
    entry.kind === 'tool' && entry.targets.some((target) => table.of(entry, target) !== undefined)
      ? entry.name
      : [],
  )
  return matches.length === 0 ? { matches, note: 'no upstream lists such a tool now' } : { matches }
}
