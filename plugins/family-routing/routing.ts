import {
  type Answer,
  answer,
  type Call,
  type Change,
  change,
  type Denial,
  deny,
  type Target,
} from 'mcp-patchbay/sdk'
import { instancesOf, type Place, placeOf } from './place.ts'

/** So many instances an error tells at most, and a completion (the protocol's limit). */
const MOST_TOLD = 100

type Values = Readonly<Record<string, unknown>>

/** Sends a call to the instance it names, without that argument. Nothing of what is not merged. */
export function route(call: Call): Change | Denial | Answer | undefined {
  const place = placeOf(call.candidates[0])
  if (place?.how !== 'merged') return undefined
  if (call.method === 'completion/complete') return routeCompletion(call, place)
  const { instanceArg } = place.family
  const { [instanceArg]: given, ...args } = call.args
  // What every object inherits was not sent.
  const instance = Object.hasOwn(call.args, instanceArg) ? given : undefined
  const target = named(call, place, instance)
  return target === undefined ? unknown(call, place, instance) : change({ args, target })
}

/** The candidate that an instance stands for. */
function named({ candidates }: Call, { family }: Place, instance: unknown): Target | undefined {
  const id = typeof instance === 'string' ? family.upstreams.get(instance) : undefined
  return id === undefined ? undefined : candidates.find(({ upstream }) => upstream === id)
}

/** One text for what there is not and for what this caller may not use. */
function unknown({ candidates, entry }: Call, { family }: Place, instance: unknown): Denial {
  const { name, instanceArg } = family
  const all = instancesOf(family, candidates)
  const like =
    typeof instance === 'string' ? all.filter((one) => one.includes(instance.slice(0, 64))) : []
  const told = [...new Set([...like, ...all])].slice(0, MOST_TOLD)
  const more = all.length > told.length ? ` and ${all.length - told.length} more` : ''
  const what =
    instance === undefined
      ? `${entry.name} needs \`${instanceArg}\``
      : `${quoted(instance)} is no \`${instanceArg}\` of ${entry.name}`
  return deny('INVALID', `${what}. Available of ${name}: ${told.join(', ')}${more}`, {
    hint: `Call again with one of them as \`${instanceArg}\`.`,
  })
}

/** What a caller sent, in few words. */
function quoted(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 64))
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

/** Instances are completed here; everything else by the instance that the client has settled on. */
function routeCompletion(call: Call, place: Place): Change | Answer {
  const { instanceArg } = place.family
  const { argument, context } = call.args as {
    readonly argument?: { readonly name?: unknown; readonly value?: unknown }
    readonly context?: { readonly arguments?: Values }
  }
  if (argument?.name === instanceArg) {
    const all = instancesOf(place.family, call.candidates)
    return completed(all.filter((one) => one.startsWith(String(argument.value ?? ''))))
  }
  const { [instanceArg]: instance, ...others } = context?.arguments ?? {}
  const target = named(call, place, instance)
  if (target === undefined) return completed([])
  return change({ args: { ...call.args, context: { ...context, arguments: others } }, target })
}

function completed(all: readonly string[]): Answer {
  const values = all.slice(0, MOST_TOLD)
  const hasMore = values.length < all.length
  return answer({ completion: { values, total: all.length, hasMore } })
}
