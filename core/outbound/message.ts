import { QUESTION_METHODS, type Question } from '../../sdk/index.ts'
import { findMember, isObject, memberText, readMembers, repeatsName } from '../wire/json.ts'
import type { Implementation } from '../wire/protocol.ts'
import { META, MODERN } from '../wire/protocol.ts'
import type { Lost, Message, Outgoing, Waiter } from './link.ts'

/** Largest message an upstream may send, in bytes. */
export const MAX_MESSAGE = 32 * 1024 * 1024

/** Reads one JSON-RPC message; `undefined` when it is none. */
export function readMessage(text: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (!isObject(value) || value.jsonrpc !== '2.0') return undefined
    const members = readMembers(text)
    return repeatsName(text, members) ? undefined : { text, members, value }
  } catch {
    return undefined
  }
}

/** The source text of a member of a message, for example `result`. */
export function textOf({ text, members }: Message, name: string): string | undefined {
  const index = findMember(text, members, name)
  return index < 0 ? undefined : memberText(text, members, index)
}

/** Whether a message answers a request. */
export function isResponse({ value }: Message): boolean {
  return value.method === undefined && ('result' in value || 'error' in value)
}

const NO_CAPABILITIES = '{}'

/** The envelope members of a modern request from this gateway, which declares no client capabilities itself. */
export function envelope(us: Implementation): string {
  return `"${META.version}":"${MODERN}","${META.clientInfo}":${JSON.stringify(us)},"${META.capabilities}":${NO_CAPABILITIES}`
}

/** The text of a request. The id is also its progress token. */
export function writeRequest(id: number, request: Outgoing, envelopeMembers: string): string {
  const { capabilities } = request
  // The envelope ends with the capabilities: those of the one who asks, never somebody else's.
  let meta =
    capabilities === undefined || envelopeMembers === ''
      ? envelopeMembers
      : envelopeMembers.slice(0, -NO_CAPABILITIES.length) + capabilities
  if (request.meta !== '') meta += `${meta === '' ? '' : ','}${request.meta}`
  if (request.progress) meta += `${meta === '' ? '' : ','}"progressToken":${id}`
  let { params } = request
  if (meta !== '') params += `${params === '' ? '' : ','}"_meta":{${meta}}`
  return `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(request.method)},"params":{${params}}}`
}

/** The text of a notification. */
export function writeNotification(method: string, params: Record<string, unknown> = {}): string {
  return JSON.stringify({ jsonrpc: '2.0', method, params })
}

/** The error in a response, if it is one. */
export function errorOf({
  value,
}: Message): { code: number; message: string; data?: unknown } | undefined {
  const { error } = value
  if (!isObject(error)) return undefined
  return {
    code: typeof error.code === 'number' ? error.code : -32603,
    message: typeof error.message === 'string' ? error.message : 'error without a message',
    ...('data' in error ? { data: error.data } : {}),
  }
}

/** A lost request for something the upstream did wrong after it was asked. */
export function broken(message: string): Lost {
  return { message, executed: 'unknown' }
}

/** Part of a waiter that wants nothing but the answer. */
export const DEAF: Pick<Waiter, 'notified' | 'asked'> = {
  notified() {},
  asked: (_, answer) => answer(REFUSED),
}

/** What a server reads that may not ask. */
export const REFUSED = '"error":{"code":-32601,"message":"this client declared no such capability"}'

/** Whether a server's request asks something of the client's side. */
export function isQuestion({ value: { method } }: Message): boolean {
  return QUESTION_METHODS.includes(method as Question['method'])
}

/** The answer to a request of the server's that asks nothing: it may ping. */
export function refusal(message: Message): string {
  return respond(message, message.value.method === 'ping' ? '"result":{}' : REFUSED)
}

/** A response to a request of the server's. @param members `"result":…` or `"error":…` */
export function respond(request: Message, members: string): string {
  return `{"jsonrpc":"2.0","id":${textOf(request, 'id')},${members}}`
}
