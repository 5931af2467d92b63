import module from 'node:module'
import { setFlagsFromString } from 'node:v8'

/**
 * Tells V8 that what a call makes is short-lived, whatever else the process holds. With many open streams it would
 * take it for long-lived, and put it where only full collections look: measured with 10,000 of them, collecting
 * garbage took ten times as long and a call a third more CPU.
 *
 * For processes of our own, once they listen. Compiled code is known by the flags that V8 had: with another one, Node.js
 * compiles its own modules anew (40 ms of a start), so all that belongs to a start must be loaded and kept by then.
 */
export function expectShortLives(): void {
  module.flushCompileCache()
  setFlagsFromString('--no-allocation-site-pretenuring')
}
