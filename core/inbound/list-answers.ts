import type { Caller, EntryKind, Maybe } from '../../sdk/index.ts'
import type { ShownList } from '../catalog/lists.ts'
import { isPromise } from '../hooks/hooks.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { CODE } from '../wire/protocol.ts'
import { failed } from './hook-failure.ts'
import type { ClientMessage } from './message.ts'
import { type Pages, readCursor } from './pages.ts'
import type { Replies, Reply, ReplyContext } from './replies.ts'

/** What every list is of, and where its entries stand in the result. */
const LISTS: ReadonlyMap<string, { readonly kind: EntryKind; readonly member: string }> = new Map([
  ['tools/list', { kind: 'tool', member: 'tools' }],
  ['prompts/list', { kind: 'prompt', member: 'prompts' }],
  ['resources/list', { kind: 'resource', member: 'resources' }],
  ['resources/templates/list', { kind: 'template', member: 'resourceTemplates' }],
])

/** What clients of both eras are told of what there is. */
export class ListAnswers {
  readonly #kernel: Kernel
  readonly #replies: Replies
  readonly #pages: Pages

  constructor(kernel: Kernel, replies: Replies, pages: Pages) {
    this.#kernel = kernel
    this.#replies = replies
    this.#pages = pages
  }

  /** A page of one of the lists. `undefined` when nothing of its kind can be there. */
  answer(
    method: string,
    message: ClientMessage,
    caller: Caller,
    requestId: string,
  ): Maybe<Reply> | undefined {
    const listed = LISTS.get(method)
    if (listed === undefined || !this.#kernel.serves.has(listed.kind)) return undefined
    const { kind, member } = listed
    const { era } = caller.client
    const after = readCursor(kind, message.params.cursor)
    if (after === null) {
      const wrong = 'Invalid cursor: it is none of this list. Read the list from its first page'
      return this.#replies.error(200, CODE.invalidParams, wrong)
    }
    const answer = (shown: ShownList): Maybe<Reply> => {
      const { text, count, next } = this.#pages.page(kind, shown[kind], era, after)
      const reply = () => {
        const kept = era === 'modern' ? this.#terms(caller, kind) : ''
        return this.#replies.result(era, `"${member}":${text}${next}${kept}`)
      }
      const told = this.#kernel.listed(caller, method, count, requestId)
      return isPromise(told) ? told.then(reply) : reply()
    }
    const context: ReplyContext = { era, requestId, status: true }
    const refuse = (cause: unknown) => {
      this.#kernel.fault(cause, requestId)
      return this.#replies.refusal(failed(cause), context)
    }
    try {
      const list = this.#kernel.list(caller)
      if (!isPromise(list)) {
        const reply = answer(list)
        return isPromise(reply) ? reply.catch(refuse) : reply
      }
      return list.then(answer).catch(refuse)
    } catch (cause) {
      return refuse(cause)
    }
  }

  /** How long the caller may keep its list, and whether nobody else may (2026-07-28, caching). */
  #terms(caller: Caller, kind: EntryKind): string {
    const { ttlMs, isPrivate } = this.#kernel.freshness.of(kind)
    // What a server shows to one identity may change without a word to anybody else.
    const left = this.#kernel.catalog.hasOwn(caller) ? 0 : ttlMs
    const scope = isPrivate || this.#kernel.lists.differ ? 'private' : 'public'
    return `,"ttlMs":${left},"cacheScope":"${scope}"`
  }
}
