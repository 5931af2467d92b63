import type { TraceContext } from '../../sdk/index.ts'
import type { Round } from '../kernel/round.ts'
import {
  findMember,
  memberName,
  memberText,
  readMembers,
  skipValue,
  writeChanged,
} from '../wire/json.ts'
import { META, RESERVED } from '../wire/protocol.ts'
import type { Outgoing } from './link.ts'

/** Members of `params` that are not the client's to pass on: ours to write, or features nobody offered. */
const NOT_RELAYED = new Set([
  'name',
  'arguments',
  '_meta',
  'task',
  'inputResponses',
  'requestState',
])

/** The upstream's request for a round: what nobody changed is cut out of the client's body. */
export function outgoing(
  round: Round,
  modern: boolean,
  headers: Readonly<Record<string, string>> | undefined,
  mirrored: readonly string[] | undefined,
  traced?: TraceContext,
): Outgoing {
  const { request } = round
  const { text, params: members } = request
  const name = round.target?.name ?? ''
  let params = `"name":${JSON.stringify(name)}`
  const args = argumentsText(round)
  if (args !== undefined) params += `,"arguments":${args}`
  let meta = ''
  for (let i = 0; i < members.length; i += 4) {
    const key = memberName(text, members, i)
    if (key === '_meta') {
      meta = relayedMeta(text, members[i + 2] as number, modern, traced)
    } else if (!NOT_RELAYED.has(key))
      params += `,${JSON.stringify(key)}:${memberText(text, members, i)}`
  }
  if (traced !== undefined) {
    const own = JSON.stringify(traced).slice(1, -1)
    meta += meta === '' || own === '' ? own : `,${own}`
  }
  const progress = request.meta.progressToken !== undefined
  return { method: request.method, name, params, meta, progress, headers, mirrored }
}

/** The source text of the client's progress token. */
export function progressToken({ request: { text, params } }: Round): string {
  const meta = readMembers(text, params[findMember(text, params, '_meta') + 2])
  return memberText(text, meta, findMember(text, meta, 'progressToken'))
}

function argumentsText({ request, args }: Round): string | undefined {
  const { text, argsAt } = request
  if (argsAt < 0) return args === request.args ? undefined : JSON.stringify(args)
  const source = text.slice(argsAt, skipValue(text, argsAt))
  return args === request.args ? source : writeChanged(args, request.args, source)
}

/** The client's own `_meta`, without the envelope: that is each hop's own. */
function relayedMeta(
  text: string,
  from: number,
  modern: boolean,
  traced: TraceContext | undefined,
): string {
  const members = readMembers(text, from)
  let out = ''
  for (let i = 0; i < members.length; i += 4) {
    const key = memberName(text, members, i)
    if (key === 'progressToken' || (traced !== undefined && replaces(traced, key))) continue
    if (key.startsWith(RESERVED) && !(modern && key === META.logLevel)) continue
    out += `${out === '' ? '' : ','}${JSON.stringify(key)}:${memberText(text, members, i)}`
  }
  return out
}

/** A trace state belongs to the parent it came with. */
function replaces(traced: TraceContext, key: string): boolean {
  if (key === 'tracestate') return (traced.traceparent ?? traced.tracestate) !== undefined
  return (key === 'traceparent' || key === 'baggage') && traced[key] !== undefined
}
