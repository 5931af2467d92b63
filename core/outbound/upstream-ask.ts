import {
  type Client,
  type Failure,
  QUESTION_METHODS,
  type Question,
  type QuestionOutcome,
} from '../../sdk/index.ts'
import type { UpstreamAsk } from '../kernel/pauses.ts'
import type { Round } from '../kernel/round.ts'
import { missingCapabilities } from '../wire/capabilities.ts'
import { findMember, isObject, memberText, readMembers, repeatsNameAnywhere } from '../wire/json.ts'
import { CODE } from '../wire/protocol.ts'
import type { Message } from './link.ts'

/** Questions of one round, as many as plugins may ask. */
const MOST = 16
/** Characters of one: it waits in memory. */
const LONGEST = 1024 * 1024

/** What a result of type `input_required` asks; a string says why it asks nothing that can be passed on. */
export function readAsk(
  result: Readonly<Record<string, unknown>>,
  text: string,
): UpstreamAsk | string {
  const { inputRequests = {}, requestState: state } = result
  if (!isObject(inputRequests) || !Object.values(inputRequests).every(isQuestion)) {
    return 'asked something that is no question'
  }
  if (Object.keys(inputRequests).length > MOST) return `asked more than ${MOST} questions at once`
  // The client must be asked what was judged here: parsers disagree about a name that stands twice.
  if (repeatsNameAnywhere(text, 0)) return 'asked with a member that stands twice'
  if (state !== undefined && typeof state !== 'string') return 'asked with a state that is no text'
  if (state === undefined && Object.keys(inputRequests).length === 0) return 'asked nothing'
  const members = readMembers(text)
  const at = findMember(text, members, 'inputRequests')
  return {
    questions: inputRequests as UpstreamAsk['questions'],
    text: at < 0 ? '{}' : memberText(text, members, at),
    state,
  }
}

/**
 * What a handshake server asks for by its error (2025-11-25, URL elicitation required), as modern clients
 * are asked: the call that comes back with answers is sent again. `undefined` when it names no URLs, the
 * caller cannot be asked, or has just refused to open one.
 */
export function readUrlsAsk(
  round: Round,
  { code, data }: NonNullable<Failure['error']>,
): UpstreamAsk | undefined {
  if (code !== CODE.urlsRequired) return undefined
  const { elicitations } = isObject(data) ? data : {}
  if (round.caller.client.era !== 'modern' || !round.canAsk('elicitation/create', 'url'))
    return undefined
  if (!Array.isArray(elicitations) || elicitations.length === 0 || elicitations.length > MOST) {
    return undefined
  }
  if (!elicitations.every(isUrl)) return undefined
  if (round.answering !== undefined && !allAccepted(round.answering.text)) return undefined
  const questions = Object.fromEntries(
    elicitations.map(({ elicitationId: _, ...params }, i) => [
      `url-${i + 1}`,
      { method: 'elicitation/create', params: { ...params, mode: 'url' } } as const,
    ]),
  )
  return { questions, text: JSON.stringify(questions), state: undefined }
}

function isUrl(value: unknown): value is { elicitationId?: unknown; url: string; message: string } {
  return isObject(value) && typeof value.url === 'string' && typeof value.message === 'string'
}

/** @param responses `inputResponses` as the client wrote them */
function allAccepted(responses: string): boolean {
  const answers = Object.values(JSON.parse(responses) as Record<string, unknown>)
  return answers.every((one) => isObject(one) && one.action === 'accept')
}

/** Whether a server's request may go to that client: it can be asked that, and reads what is judged here. */
export function mayAsk(client: Client, { value, text }: Message): boolean {
  const { method, params = {} } = value
  if (!isObject(params) || text.length > LONGEST) return false
  const missed = missingCapabilities(client, method as Question['method'], params.mode)
  return Object.keys(missed).length === 0 && !repeatsNameAnywhere(text, 0)
}

/** An upstream needs what the caller's client did not declare: the caller is told, in its own words. */
export function missing(data: unknown): QuestionOutcome {
  const required =
    isObject(data) && isObject(data.requiredCapabilities) ? data.requiredCapabilities : {}
  return {
    kind: 'question',
    source: 'upstream',
    plugin: '',
    questions: {},
    executed: false,
    missing: required as Record<string, object>,
  }
}

function isQuestion(value: unknown): value is Question {
  if (!isObject(value)) return false
  const { method, params } = value
  return (
    QUESTION_METHODS.includes(method as Question['method']) &&
    (params === undefined || isObject(params))
  )
}
