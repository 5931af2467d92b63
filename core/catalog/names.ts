import { createHash } from 'node:crypto'

/** How public names are made. */
export interface NameRules {
  /** Between an upstream's prefix and a tool's name. */
  readonly separator: string
  /** Longest name clients accept. */
  readonly maxLength: number
}

/**
 * The public name of `name` in a group. Characters outside `[A-Za-z0-9_-]` become `_`; a name over the
 * limit is cut and ends in a hash of the whole, so that two long names never become one.
 * @param prefix `""` for none
 */
export function publicName(rules: NameRules, prefix: string, name: string): string {
  const whole = prefix === '' ? name : `${prefix}${rules.separator}${name}`
  const clean = whole.replace(/[^A-Za-z0-9_-]/g, '_')
  if (clean.length <= rules.maxLength) return clean
  const hash = createHash('sha256').update(whole).digest('hex').slice(0, 8)
  return `${clean.slice(0, rules.maxLength - 9)}_${hash}`
}
