import type { Clock, Command } from 'mcp-patchbay/sdk'
import type { Kept, Store } from './store.ts'

const LIMIT = {
  type: 'integer',
  minimum: 1,
  maximum: 1_000,
  description: 'How many records at most, the newest.',
} as const

const FULL = {
  type: 'boolean',
  default: false,
  description: 'All that was recorded, instead of what fits a line.',
} as const

/**
 * `tail` and `query`: what the database has, oldest first.
 * @param flush writes what waits, so that it is found
 */
export function auditCommands(
  store: Store,
  clock: Clock,
  flush: () => Promise<void>,
): Readonly<Record<string, Command>> {
  const find = async (args: Readonly<Record<string, unknown>>) => {
    await flush()
    const { since, limit, full, kind, principal, tool, outcome } = args as unknown as Args
    const from = since === undefined ? 0 : clock.now() - since
    const found = await store
      .find({ since: from, kind, principal, tool, outcome, limit })
      .catch(refuseMissing)
    return found.toReversed().map(full ? whole : line)
  }
  return {
    tail: {
      description: 'Shows the newest records.',
      args: {
        type: 'object',
        additionalProperties: false,
        properties: { limit: { ...LIMIT, default: 20 }, full: FULL },
      },
      offline: true,
      run: find,
    },
    query: {
      description: 'Shows the records that fit all of what is asked for.',
      args: {
        type: 'object',
        additionalProperties: false,
        properties: {
          since: {
            type: 'string',
            format: 'duration',
            description: 'How far back, for example `1h`.',
          },
          kind: {
            enum: ['call', 'list', 'refusal', 'event', 'dropped'],
            description: 'What was recorded.',
          },
          principal: { type: 'string', description: 'The subject of the caller.' },
          tool: {
            type: 'string',
            description: 'The name that was called, or a glob of SQLite: `*`, `?`, `[…]`.',
          },
          outcome: {
            enum: ['ok', 'error', 'denied', 'failed', 'cancelled'],
            description: "How it ended; `error` is a tool's own.",
          },
          limit: { ...LIMIT, default: 100 },
          full: FULL,
        },
      },
      offline: true,
      run: find,
    },
  }
}

interface Args {
  readonly since?: number
  readonly kind?: string
  readonly principal?: string
  readonly tool?: string
  readonly outcome?: string
  readonly limit: number
  readonly full: boolean
}

/** Offline the table may not be there yet. */
function refuseMissing(cause: unknown): never {
  if (!/no such table/.test(String(cause))) throw cause
  throw new Error('nothing was recorded yet: the table is made when the gateway starts', { cause })
}

function whole({ id, at, fields }: Kept): object {
  return { record: id, time: new Date(at).toISOString(), ...fields }
}

function line({ at, fields }: Kept): object {
  const { kind, plugin, principal, client, name, method, path, outcome, code, duration, request } =
    fields
  // Nothing is left out, so that the columns are the same whatever comes first.
  return {
    time: new Date(at).toISOString(),
    kind,
    principal: principal ?? null,
    client: client ?? null,
    what: kind === 'event' ? `${plugin} ${name}` : (name ?? method ?? path ?? null),
    outcome: outcome ?? null,
    code: code ?? null,
    ms: typeof duration === 'number' ? Math.round(duration * 1_000) / 1_000 : null,
    request: request ?? null,
  }
}
