import { QUESTION_METHODS, type Question, type QuestionOutcome } from '../../sdk/index.ts'
import type { UpstreamAsk } from '../kernel/pauses.ts'
import { findMember, isObject, memberText, readMembers, repeatsNameAnywhere } from '../wire/json.ts'

/** Questions of one round, as many as plugins may ask. */
const MOST = 16

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
