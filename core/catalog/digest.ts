import { createHash } from 'node:crypto'

/** The same text for values that JSON tells the same, whatever the order of their members. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`
}

/** A short fingerprint of JSON values (SHA-256, base64url). */
export function digest(...values: readonly unknown[]): string {
  return createHash('sha256').update(canonical(values)).digest('base64url')
}
