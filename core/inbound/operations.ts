import {
  type Caller,
  type Challenge,
  type Denial,
  deny,
  type EntryKind,
  isKind,
  type Maybe,
  type Outcome,
} from '../../sdk/index.ts'
import type { EntryMethod } from '../catalog/ports.ts'
import type { View } from '../catalog/view.ts'
import { isPromise } from '../hooks/hooks.ts'
import { giveUp } from '../kernel/held-pauses.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { PausedOutcome } from '../kernel/paused-call.ts'
import type { CallRequest, Exchange } from '../kernel/ports.ts'
import type { Subscriptions } from '../kernel/subscriptions.ts'
import { findMember, isObject } from '../wire/json.ts'
import { differingParamHeader, paramHeaders } from '../wire/param-headers.ts'
import { CODE, LOG_LEVELS, META } from '../wire/protocol.ts'
import { aimOf } from './aim.ts'
import type { Arrival } from './arrival.ts'
import type { Cancellable } from './cancellable.ts'
import { failed } from './hook-failure.ts'
import { ListAnswers } from './list-answers.ts'
import { LIST_GROUPS, type ListGroup } from './list-stream.ts'
import type { LogLevels } from './log-levels.ts'
import type { ClientMessage } from './message.ts'
import type { Pages } from './pages.ts'
import type { AskedExchange, Questions } from './questions.ts'
import type { Replies, Reply } from './replies.ts'
import type { Session } from './session.ts'

const KIND_OF = { tools: 'tool', prompts: 'prompt', resources: 'resource' } as const

const NO_ARGS: Readonly<Record<string, unknown>> = Object.freeze({})
const NO_RETRY: Pick<CallRequest, 'state' | 'responses'> = Object.freeze({})

/** An exchange that can be cancelled, and knows whether its HTTP status is still open. */
export type StatusExchange = Exchange &
  Cancellable &
  AskedExchange & { readonly statusOpen: boolean }

/** What both eras ask for, answered the same way. */
export class Operations {
  /** The lists, page by page. */
  readonly lists: ListAnswers
  /** The lists that there are, as capabilities name them. */
  readonly groups: readonly ListGroup[]
  /** What never changes of them. */
  readonly #capabilities: string
  /** The same where there are subscriptions to single resources. */
  readonly #subscribable: string
  readonly #subscriptions: Subscriptions
  readonly #kernel: Kernel
  readonly #replies: Replies
  readonly #questions: Questions
  readonly #levels: LogLevels

  constructor(
    kernel: Kernel,
    replies: Replies,
    questions: Questions,
    levels: LogLevels,
    pages: Pages,
    subscriptions: Subscriptions,
  ) {
    this.#subscriptions = subscriptions
    this.#kernel = kernel
    this.#replies = replies
    this.#questions = questions
    this.#levels = levels
    this.lists = new ListAnswers(kernel, replies, pages)
    this.groups = LIST_GROUPS.filter((group) => kernel.serves.has(KIND_OF[group]))
    const capabilities = this.groups.map((group) => [group, { listChanged: true }])
    const all = {
      ...Object.fromEntries(capabilities),
      ...(kernel.hasServers ? { completions: {}, logging: {} } : {}),
    }
    this.#capabilities = JSON.stringify(all)
    this.#subscribable = JSON.stringify({
      ...all,
      resources: { subscribe: true, listChanged: true },
    })
  }

  /** The `capabilities` of this server, as JSON. */
  get capabilities(): string {
    const all = this.#subscriptions.possible ? this.#subscribable : this.#capabilities
    const extensions = JSON.stringify(this.#kernel.extensions)
    if (extensions === '{}') return all
    const comma = all === '{}' ? '' : ','
    return `${all.slice(0, -1)}${comma}"extensions":${extensions}}`
  }

  /**
   * The `instructions` of the servers that this caller may use, as a member of a result behind others;
   * empty when there are none, or a plugin failed to say which these are.
   */
  instructions(caller: Caller, requestId: string): Maybe<string> {
    const write = (text: string) => (text === '' ? '' : `,"instructions":${JSON.stringify(text)}`)
    const failedTo = (cause: unknown) => {
      this.#kernel.fault(cause, requestId)
      return ''
    }
    try {
      const text = this.#kernel.instructions(caller)
      return isPromise(text) ? text.then(write, failedTo) : write(text)
    } catch (cause) {
      return failedTo(cause)
    }
  }

  /** The method of a request that is aimed at an entry, if there can be such entries. */
  aimed(method: string | undefined): EntryMethod | undefined {
    if (method === 'tools/call') return method
    if (method === 'prompts/get') return this.#serves('prompt') ? method : undefined
    if (method === 'resources/read') return this.#serves('resource') ? method : undefined
    if (method === 'completion/complete') return this.#kernel.hasServers ? method : undefined
    return undefined
  }

  #serves(kind: EntryKind): boolean {
    return this.#kernel.serves.has(kind)
  }

  /**
   * What is wrong with the `Mcp-Param-*` headers of a modern tools/call: one is missing, differs from its
   * argument, or stands without it. Tells nothing of tools that the caller may not use.
   */
  differing(
    { params: { name, arguments: args } }: ClientMessage,
    caller: Caller,
    { headers, requestId, statusOpen }: StatusExchange,
  ): Maybe<Reply | undefined> {
    if (typeof name !== 'string') return undefined
    const refuse = (cause: unknown) => {
      this.#kernel.fault(cause, requestId)
      const { era } = caller.client
      return this.#replies.toolCall(failed(cause), { era, requestId, status: statusOpen })
    }
    try {
      const entry = this.#kernel.catalog.of(caller).find('tools/call', name)
      if (entry === undefined || !isKind(entry, 'tool')) return undefined
      const { list } = paramHeaders(entry.definition.inputSchema)
      if (list.length === 0) return undefined
      const check = (view: View) => {
        if (view.permit(entry).candidates.length === 0) return undefined
        const header = differingParamHeader(list, args, headers)
        return header === undefined ? undefined : this.#replies.mismatch(header)
      }
      const view = this.#kernel.views.of(caller)
      return isPromise(view) ? view.then(check).catch(refuse) : check(view)
    } catch (cause) {
      return refuse(cause)
    }
  }

  /**
   * A request that is aimed at an entry. Nothing to send when the caller cancelled.
   * @param session whose client is asked on the call's own stream, where clients are asked so
   */
  call(
    method: EntryMethod,
    message: ClientMessage,
    caller: Caller,
    exchange: StatusExchange,
    session?: Session,
  ): Maybe<Reply | undefined> {
    const { id, params, text, paramsMembers, meta } = message
    const { requestState, inputResponses } = params
    const wrong = this.#wrongRetry(requestState, inputResponses)
    if (wrong !== undefined) return wrong
    const aim = aimOf(method, params)
    if (typeof aim === 'string') {
      return this.#replies.error(200, CODE.invalidParams, `Invalid params: ${aim}`)
    }
    const { name, args } = aim
    const sourced = args === params.arguments && args !== undefined
    const index = sourced ? findMember(text, paramsMembers, 'arguments') : -1
    const request: CallRequest = {
      method,
      id,
      name,
      args: args ?? NO_ARGS,
      text,
      params: paramsMembers,
      argsAt: index < 0 ? -1 : (paramsMembers[index + 2] as number),
      meta,
      logLevel: session === undefined ? logLevelOf(meta) : this.#levels.of(session),
      ...(caller.client.era === 'modern' ? this.#retry(requestState, inputResponses) : {}),
    }
    const outcome = this.#kernel.call(request, caller, exchange)
    const { era } = caller.client
    const { requestId } = exchange
    const reply = (settled: Outcome): Maybe<Reply | undefined> => {
      if (settled.kind === 'cancelled') return undefined
      if (session !== undefined && settled instanceof PausedOutcome) {
        return this.#ask(settled, request, caller, exchange, session).then(reply)
      }
      const { client } = caller
      const { round, statusOpen: status } = exchange
      const stdio = exchange.wire === 'stdio'
      const context = { era, requestId, status, stdio, client, method, entry: round?.entry }
      return method === 'tools/call'
        ? this.#replies.toolCall(settled, context)
        : this.#replies.entryCall(settled, context, method === 'resources/read' ? name : undefined)
    }
    return isPromise(outcome) ? outcome.then(reply) : reply(outcome)
  }

  /** A round that asked, of a client that is asked on the call's stream; then the next round. */
  async #ask(
    paused: PausedOutcome,
    request: CallRequest,
    caller: Caller,
    exchange: StatusExchange,
    session: Session,
  ): Promise<Outcome> {
    const asked = await this.#questions.ask(paused, session, exchange)
    const { executed } = paused
    switch (asked.kind) {
      case 'answers': {
        const { values: responses, text: responsesText, refusals } = asked
        const next = { ...request, state: paused.state, responses, responsesText, refusals }
        return this.#kernel.call(next, caller, exchange)
      }
      case 'gone':
        giveUp(this.#kernel.holds, paused, 'the client went away')
        return { kind: 'cancelled', reason: 'the client went away', executed }
      case 'late':
        giveUp(this.#kernel.holds, paused, 'nobody answered')
        return { ...deny('TIMEOUT', 'nobody answered what this call asked'), executed }
      case 'refused':
        giveUp(this.#kernel.holds, paused, 'the client refused')
        return { ...deny('FORBIDDEN', `the client refused ${asked.reason}`), executed }
    }
  }

  /**
   * What a retry goes on with. Answers without a state are its server's own business, unless plugins want to read
   * what servers are answered: without the state nobody knows what was asked.
   */
  #retry(state: unknown, responses: unknown): Pick<CallRequest, 'state' | 'responses'> {
    if (state === undefined && responses === undefined) return NO_RETRY
    if (typeof state !== 'string' && this.#kernel.hooks.messages !== null) return NO_RETRY
    return {
      ...(typeof state === 'string' ? { state } : {}),
      ...(isObject(responses) ? { responses } : {}),
    }
  }

  /** What a retry brings along (2026-07-28, multi round-trip requests). */
  #wrongRetry(state: unknown, responses: unknown): Reply | undefined {
    const what =
      state !== undefined && typeof state !== 'string'
        ? '`requestState` must be a string'
        : responses !== undefined && !isObject(responses)
          ? '`inputResponses` must be an object'
          : undefined
    return what === undefined
      ? undefined
      : this.#replies.error(200, CODE.invalidParams, `Invalid params: ${what}`)
  }

  /** `WWW-Authenticate` for a refusal, flat. */
  challengeHeaders(denial: Denial | undefined, { auth }: Pick<Arrival, 'auth'>): string[] {
    if (denial === undefined) return []
    return this.#kernel
      .challenges(auth, denial)
      .flatMap((one) => ['www-authenticate', writeChallenge(one)])
  }
}

function logLevelOf(meta: ClientMessage['meta']): string | undefined {
  const level = meta[META.logLevel]
  // Of a level that is none, nothing is known to be enough.
  return typeof level === 'string' && LOG_LEVELS.includes(level) ? level : undefined
}

/** One challenge as RFC 9110 writes it. */
function writeChallenge({ scheme, params }: Challenge): string {
  const list = Object.entries(params ?? {}).map(
    ([name, value]) => `${name}="${value.replace(/["\\]/g, '\\$&').replace(/[^\t -~]/g, '?')}"`,
  )
  return list.length === 0 ? scheme : `${scheme} ${list.join(', ')}`
}
