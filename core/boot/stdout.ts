import type { Writable } from 'node:stream'

/**
 * Takes stdout for messages of the protocol alone: whatever else in this process writes there, libraries of
 * plugins for example, goes to stderr from now on.
 */
export function ownStdout(): Writable {
  const { stdout, stderr } = process
  Object.defineProperty(process, 'stdout', { configurable: true, value: stderr })
  console.log = console.error
  console.info = console.error
  console.debug = console.error
  return stdout
}
