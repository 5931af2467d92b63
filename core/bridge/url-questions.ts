import type { Failure } from '../../sdk/index.ts'
import { isObject } from '../wire/json.ts'

/**
 * What a model is told whose client cannot be asked to open the URLs that a server wants opened first
 * (2025-11-25, URL elicitation required).
 */
export function urlsText({ message, data }: NonNullable<Failure['error']>): string {
  const { elicitations } = isObject(data) ? data : {}
  const asked = (Array.isArray(elicitations) ? elicitations : []).filter(isObject)
  const lines = asked.map(({ message: why, url }) =>
    typeof why === 'string' && why !== '' ? `${why}: ${url}` : String(url),
  )
  return [
    message,
    ...lines,
    'Ask the user to open it in a browser, then call the tool again.',
  ].join('\n')
}
