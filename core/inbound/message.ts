import {
  findMember,
  isObject,
  type Members,
  memberText,
  readElements,
  readMembers,
  repeatsName,
} from '../wire/json.ts'

/** One JSON-RPC message of a client, with the offsets of its members. */
export interface ClientMessage {
  readonly text: string
  readonly members: Members
  readonly value: Readonly<Record<string, unknown>>
  /** The source text of its id; `undefined` for notifications. */
  readonly id: string | undefined
  /** `undefined` for responses. */
  readonly method: string | undefined
  /** An empty object when the message has none. */
  readonly params: Readonly<Record<string, unknown>>
  /** Offsets in `params`; empty when the message has none. */
  readonly paramsMembers: Members
  /** `params._meta`, or an empty object. */
  readonly meta: Readonly<Record<string, unknown>>
}

/** Messages. Each may be a call, and all of them run at once. */
const LONGEST_BATCH = 100

const NONE: Readonly<Record<string, unknown>> = Object.freeze({})

/** What a body holds. A string says why it holds no JSON-RPC. */
export type ParsedBody =
  | { readonly kind: 'one'; readonly message: ClientMessage }
  | { readonly kind: 'batch'; readonly messages: readonly (ClientMessage | string)[] }
  | { readonly kind: 'malformed'; readonly reason: string }
  | { readonly kind: 'invalid'; readonly reason: string }

/** Reads a body. Names that stand twice are refused: parsers disagree about which one counts. */
export function parseBody(text: string): ParsedBody {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return { kind: 'malformed', reason: (error as Error).message }
  }
  if (Array.isArray(value)) {
    if (value.length === 0) return { kind: 'invalid', reason: 'the batch is empty' }
    if (value.length > LONGEST_BATCH) {
      return {
        kind: 'invalid',
        reason: `a batch holds at most ${LONGEST_BATCH} messages: send several`,
      }
    }
    const elements = readElements(text, text.indexOf('['))
    return {
      kind: 'batch',
      messages: value.map((one, i) =>
        readMessage(text.slice(elements[2 * i], elements[2 * i + 1]), one),
      ),
    }
  }
  const message = readMessage(text, value)
  return typeof message === 'string'
    ? { kind: 'invalid', reason: message }
    : { kind: 'one', message }
}

function readMessage(text: string, value: unknown): ClientMessage | string {
  if (!isObject(value) || value.jsonrpc !== '2.0') return 'not a JSON-RPC 2.0 message'
  const { method, params, id } = value
  if (method !== undefined && typeof method !== 'string') return '`method` must be a string'
  if (method === undefined && !('result' in value) && !('error' in value))
    return '`method` is missing'
  if (id !== undefined && typeof id !== 'string' && typeof id !== 'number') {
    return '`id` must be a string or a number'
  }
  if (params !== undefined && !isObject(params)) return '`params` must be an object'
  const members = readMembers(text)
  if (repeatsName(text, members)) return 'a member stands twice'
  const idAt = id === undefined ? -1 : findMember(text, members, 'id')
  const paramsAt = params === undefined ? -1 : findMember(text, members, 'params')
  const paramsMembers = paramsAt < 0 ? [] : readMembers(text, members[paramsAt + 2])
  if (repeatsName(text, paramsMembers)) return 'a member of `params` stands twice'
  const meta = params?._meta
  if (meta !== undefined) {
    if (!isObject(meta)) return '`params._meta` must be an object'
    const metaAt = findMember(text, paramsMembers, '_meta')
    if (repeatsName(text, readMembers(text, paramsMembers[metaAt + 2]))) {
      return 'a member of `params._meta` stands twice'
    }
  }
  return {
    text,
    members,
    value,
    id: idAt < 0 ? undefined : memberText(text, members, idAt),
    method,
    params: params ?? NONE,
    paramsMembers,
    meta: meta ?? NONE,
  }
}
