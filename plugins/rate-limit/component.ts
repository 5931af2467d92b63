import { createHash } from 'node:crypto'

const LONGEST = 200

/**
 * A part of a key that says where it ends, so that no text somebody chooses can pass for another key. Long
 * ones stand as their hash: a key is small whoever made it.
 */
export function component(text: string): string {
  if (text.length <= LONGEST) return ` ${text.length}:${text}`
  return ` #${createHash('sha256').update(text).digest('base64url')}`
}
