import type { Target, TraceContext } from '../../sdk/index.ts'
import type { EntryMethod } from '../catalog/ports.ts'
import { ownUri } from '../catalog/uris.ts'
import type { Round } from '../kernel/round.ts'
import { writeChanged } from '../wire/changed-json.ts'
import { findMember, isWritten, memberName, memberText, readMembers } from '../wire/json.ts'
import { META, RESERVED } from '../wire/protocol.ts'
import { declared } from './declared.ts'
import type { Outgoing } from './link.ts'

/** Members of `params` that are not the client's to pass on: features nobody offered, or each hop's own. */
const NOT_RELAYED = new Set(['_meta', 'task', 'inputResponses', 'requestState'])

/** Members of `params` that are written here, by method. */
const WRITTEN: Readonly<Record<EntryMethod, readonly string[]>> = {
  'tools/call': ['name', 'arguments'],
  'prompts/get': ['name', 'arguments'],
  'resources/read': ['uri'],
  'completion/complete': ['ref', 'argument', 'context'],
}

/** What every modern client says in `_meta`, of itself and for this hop. */
const ENVELOPE = [META.version, META.clientInfo, META.capabilities]

/** The upstream's request for a round: what nobody changed is cut out of the client's body. */
export function outgoing(
  round: Round,
  modern: boolean,
  headers: Outgoing['headers'],
  mirrored: readonly string[] | undefined,
  traced?: TraceContext,
): Outgoing {
  const { request } = round
  const { method, text, params: members } = request
  const { params: aimed, name } = aim(round)
  const written = WRITTEN[method]
  let params = aimed
  let meta = ''
  for (let i = 0; i < members.length; i += 4) {
    // What nearly every call has is known without a look at its name.
    if (written.some((name) => isWritten(text, members, i, name))) continue
    const key = memberName(text, members, i)
    if (key === '_meta') {
      meta = relayedMeta(text, members[i + 2] as number, modern, traced)
    } else if (!NOT_RELAYED.has(key) && !written.includes(key))
      params += `,${JSON.stringify(key)}:${memberText(text, members, i)}`
  }
  const { logLevel } = request
  // A handshake client says it once for all, and not in its requests.
  if (modern && logLevel !== undefined && request.meta[META.logLevel] === undefined) {
    meta += `${meta === '' ? '' : ','}"${META.logLevel}":${JSON.stringify(logLevel)}`
  }
  if (traced !== undefined) {
    const own = JSON.stringify(traced).slice(1, -1)
    meta += meta === '' || own === '' ? own : `,${own}`
  }
  const answering = modern ? round.answering : undefined
  if (answering !== undefined) {
    params += `,"inputResponses":${answering.text}`
    if (answering.state !== undefined)
      params += `,"requestState":${JSON.stringify(answering.state)}`
  }
  const progress = request.meta.progressToken !== undefined
  const capabilities = modern ? declared(round.caller.client) : undefined
  const common = { method, params, meta, progress, headers, mirrored, capabilities }
  return name === undefined ? common : { ...common, name }
}

/** What the request is about, in the upstream's own words; the name is what `Mcp-Name` mirrors. */
function aim(round: Round): { readonly params: string; readonly name?: string } {
  const { request, target, entry, args } = round
  const name = target?.name ?? ''
  switch (request.method) {
    case 'resources/read': {
      const uri = ownUri(entry, target as Target, String(args.uri))
      return { params: `"uri":${JSON.stringify(uri)}`, name: uri }
    }
    case 'completion/complete': {
      const ref =
        entry.kind === 'prompt' ? { type: 'ref/prompt', name } : { type: 'ref/resource', uri: name }
      const members = Object.entries({ ...args, ref }).filter(([, value]) => value !== undefined)
      return { params: JSON.stringify(Object.fromEntries(members)).slice(1, -1) }
    }
    default: {
      const said = argumentsText(round)
      const named = `"name":${JSON.stringify(name)}`
      return { params: said === undefined ? named : `${named},"arguments":${said}`, name }
    }
  }
}

/** The source text of the client's progress token. */
export function progressToken({ request: { text, params } }: Round): string {
  const meta = readMembers(text, params[findMember(text, params, '_meta') + 2])
  return memberText(text, meta, findMember(text, meta, 'progressToken'))
}

function argumentsText({ request, args }: Round): string | undefined {
  const { text, params, argsAt } = request
  if (argsAt < 0) return args === request.args ? undefined : JSON.stringify(args)
  const source = memberText(text, params, params.indexOf(argsAt) - 2)
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
    if (ENVELOPE.some((name) => isWritten(text, members, i, name))) continue
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
