import { RuleFailure } from './failure.ts'

/** A number that JavaScript would write differently: its text, which `JSON.stringify` writes as it is. */
interface RawNumber {
  readonly rawJSON: string
}

type Reviver = (key: string, value: unknown, context: { readonly source: string }) => unknown

const json = JSON as unknown as {
  parse(text: string, reviver?: Reviver): unknown
  rawJSON(text: string): RawNumber
  isRawJSON(value: unknown): value is RawNumber
}

/** Text in which some number may be written otherwise than JavaScript would. */
const ODD = /\d[\d.]{15}|\d[eE]|-0|\.\d*0(?!\d)/
const PRECISE = 15

/** Whether a value is a number that is kept as its text. */
export function isRawNumber(value: unknown): value is RawNumber {
  return json.isRawJSON(value)
}

/** Parses JSON so that `JSON.stringify` writes every number as it was written. @throws SyntaxError */
export function parseExact(text: string): unknown {
  if (!ODD.test(text)) return JSON.parse(text)
  return json.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && String(value) !== source ? json.rawJSON(source) : value,
  )
}

/** A value with plain numbers, but for those of which something would be lost. */
export function plain(value: unknown): unknown {
  if (isRawNumber(value)) return keepsAll(value.rawJSON) ? Number(value.rawJSON) : value
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]))
}

/** @throws RuleFailure `INEXACT` for a whole number of which digits may have been lost already */
export function assertExact(value: unknown): void {
  if (typeof value === 'number') {
    if (!Number.isInteger(value) || Number.isSafeInteger(value)) return
    throw new RuleFailure('INEXACT', 'a number is too large to be passed on as it was')
  }
  if (typeof value !== 'object' || value === null || isRawNumber(value)) return
  for (const one of Object.values(value)) assertExact(one)
}

/** What text, a number or a boolean reads as; `undefined` for anything else. */
export function wordOf(value: unknown): string | undefined {
  if (isRawNumber(value)) return value.rawJSON
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

/** Whether two values say the same, whatever the order of members. Numbers compare as JavaScript reads them. */
export function saysSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true
  if (isRawNumber(one)) return saysSame(Number(one.rawJSON), other)
  if (isRawNumber(other)) return saysSame(one, Number(other.rawJSON))
  if (typeof one !== 'object' || typeof other !== 'object') return one === other
  if (one === null || other === null || Array.isArray(one) !== Array.isArray(other)) return false
  const names = Object.keys(one)
  if (names.length !== Object.keys(other).length) return false
  return names.every(
    (name) =>
      Object.hasOwn(other, name) &&
      saysSame((one as Record<string, unknown>)[name], (other as Record<string, unknown>)[name]),
  )
}

/** Whether nothing of a number's text is lost in JavaScript, but for how it is written. */
function keepsAll(text: string): boolean {
  const value = Number(text)
  if (!Number.isFinite(value)) return false
  if (Number.isSafeInteger(value) && /^-?\d+$/.test(text)) return true
  const digits = text
    .replace(/[eE].*$/, '')
    .replace(/\D/g, '')
    .replace(/^0+|0+$/g, '')
  return digits.length <= PRECISE
}
