import type { Plugin, Token } from '../../sdk/index.ts'
import { isObject } from '../wire/json.ts'
import { nounOf } from './errors.ts'
import { didYouMean } from './nearest.ts'

/** Something that is wrong with what a plugin says of itself. */
export interface Fault {
  readonly code: string
  /** What stands after the plugin's name. */
  readonly reason: string
  readonly hint: string
}

const FIELDS: Readonly<Record<keyof Plugin, true>> = {
  name: true,
  version: true,
  phase: true,
  shadow: true,
  configSchema: true,
  upstreamSettings: true,
  needs: true,
  provides: true,
  migrations: true,
  setup: true,
  contract: true,
}

const SETUP = 'Write `setup(config, services) { return { … } }`.'
const SCHEMA = `Write \`configSchema: { type: 'object', additionalProperties: false, properties: {} }\` for no settings.`
const TOKENS =
  'Write `{ clock: Clock }`: names of your own with services of the SDK, or `token(…)`.'

/** What a plugin declares and cannot mean, judged without running it. What types forbid, JavaScript writes. */
export function declarationFaults(plugin: Partial<Plugin>): Fault[] {
  const faults: Fault[] = []
  const add = (reason: string, hint: string, code = 'PLUGIN_DECLARATION') =>
    faults.push({ code, reason, hint })
  const known = Object.keys(FIELDS).filter((field) => field !== 'contract')
  for (const field of Object.keys(plugin)) {
    if (Object.hasOwn(FIELDS, field)) continue
    const hint = `Fields: ${known.join(', ')}.`
    add(
      `has an unknown field \`${field}\`${didYouMean(field, known)}`,
      hint,
      'PLUGIN_UNKNOWN_FIELD',
    )
  }
  if (typeof plugin.setup !== 'function') add('has no function `setup`', SETUP, 'PLUGIN_SETUP')
  if (plugin.configSchema === undefined) add('has no `configSchema`', SCHEMA)
  for (const field of ['needs', 'provides'] as const) {
    const tokens: unknown = plugin[field]
    if (tokens === undefined) continue
    if (!isObject(tokens)) {
      add(`has \`${field}\` that is ${nounOf(tokens)}, not names with services`, TOKENS)
      continue
    }
    for (const [name, token] of Object.entries(tokens)) {
      if (isToken(token)) continue
      add(`has \`${field}.${name}\`, which is ${nounOf(token)} and no service`, TOKENS)
    }
  }
  return faults
}

function isToken(value: unknown): value is Token<unknown> {
  return isObject(value) && typeof value.key === 'symbol' && typeof value.name === 'string'
}
