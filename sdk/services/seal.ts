import { type Token, token } from '../token.ts'

/**
 * Text that only this plugin line can make and read, here and on every replica with the same `keys`. For
 * facts that travel through a client, like a cursor. It says nothing of when it was made: put an expiry,
 * and whom it is for, into the facts.
 */
export interface Seal {
  /** @param purpose bound to the seal: text sealed for one purpose opens for no other */
  seal(facts: string, purpose: string): string
  /** The facts, or `undefined` for anything that was not sealed here for this purpose. */
  open(text: string, purpose: string): string | undefined
}
/** The service of that name. */
export const Seal: Token<Seal> = token<Seal>('Seal')
