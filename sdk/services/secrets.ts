import { type Token, token } from '../token.ts'

/**
 * The one list of what must not be told. The log blanks it by itself; redact what you store or send. Values
 * of the config that come from references, and settings marked `writeOnly`, are on it from the beginning.
 */
export interface Secrets {
  /**
   * Puts a value on the list, until it is dropped as often as it was added. Values of fewer than 6 characters, and numbers of fewer than 12
   * digits, are passed over: they are everywhere.
   */
  add(value: string): void
  /**
   * Takes off the list what this plugin added and nobody will send or be told any more: a token that has ended. It
   * stays as long as somebody else, or the config, has it there.
   */
  drop(value: string): void
  /** The text with every secret replaced by `[redacted]`. */
  redact(text: string): string
  /** The value with every secret replaced in all its strings; the same object when there is none. */
  redactDeep<T>(value: T): T
}
/** The service of that name. */
export const Secrets: Token<Secrets> = token<Secrets>('Secrets')
