import type { Shapes } from '../kernel/ports.ts'
import { editMembers } from '../wire/json.ts'
import type { ReplyContext } from './replies.ts'

type Result = Readonly<Record<string, unknown>>

/**
 * A result as modern clients want it: they must be told what it is.
 * @param stamp the members that say so
 */
export function modernResult(result: Result, text: string, stamp: string): string {
  if (result.resultType !== undefined) return text
  const rest = text.slice(text.indexOf('{') + 1)
  const said = result._meta === undefined ? stamp : '"resultType":"complete"'
  return `{${said}${/^\s*\}$/.test(rest) ? '' : ','}${rest}`
}

/** A result as clients with a handshake know it: without what came later. */
export function legacyResult(
  result: Result,
  text: string,
  shapes: Shapes,
  { client, method, entry }: Pick<ReplyContext, 'client' | 'method' | 'entry'>,
): string {
  const { resultType, ttlMs, cacheScope } = result
  const plain =
    resultType === undefined && ttlMs === undefined && cacheScope === undefined
      ? text
      : editMembers(text, 0, { resultType: undefined, ttlMs: undefined, cacheScope: undefined })
  if (client === undefined || method === undefined) return plain
  return shapes.result(method, entry, result, plain, client.protocolVersion)
}

/**
 * What was read, with how long it may be kept (2026-07-28, caching): that is its owner's to say, and by
 * whom as well, as far as nobody here lets callers read different things.
 * @param differ whether somebody may
 */
export function withTerms({ ttlMs, cacheScope }: Result, text: string, differ: boolean): string {
  const known = Number.isSafeInteger(ttlMs) && (ttlMs as number) >= 0
  const shared = cacheScope === 'public' && !differ
  if (known && (shared || cacheScope === 'private')) return text
  const scope = known && shared ? '"public"' : '"private"'
  if (ttlMs === undefined && cacheScope === undefined) {
    return text.replace('{', `{"ttlMs":0,"cacheScope":${scope},`)
  }
  return editMembers(text, 0, { ttlMs: known ? String(ttlMs) : '0', cacheScope: scope })
}
