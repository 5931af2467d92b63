import { randomBytes } from 'node:crypto'

/** Ids that no other gateway makes: a random beginning and a count. */
export function idMaker(): () => string {
  const start = randomBytes(6).toString('base64url')
  let count = 0
  return () => `${start}-${(++count).toString(36)}`
}
