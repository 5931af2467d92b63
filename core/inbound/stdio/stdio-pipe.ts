import type { Writable } from 'node:stream'
import type { Pipe } from '../pipe/pipe.ts'

/** Bytes that wait for a client that reads slowly. */
const MOST_UNREAD = 1024 * 1024

/** The way to the client of this process: one message per line. */
export class StdioPipe implements Pipe {
  readonly wire = 'stdio'
  readonly #output: Writable
  #gone = false

  /**
   * @param drained told when the client has read all there was, after it did not keep up
   * @param closed told once when nobody reads any more
   */
  constructor(output: Writable, drained: () => void, closed: () => void) {
    this.#output = output
    const close = () => {
      if (this.#gone) return
      this.#gone = true
      closed()
    }
    output.on('drain', drained)
    output.on('error', close)
    output.on('close', close)
  }

  get gone(): boolean {
    return this.#gone
  }

  get keepsUp(): boolean {
    return this.#output.writableLength <= MOST_UNREAD
  }

  write(json: string, left?: () => void): void {
    if (this.#gone) return left?.()
    // Line breaks are white space in JSON, and would end the message here.
    const line = /[\r\n]/.test(json) ? json.replace(/[\r\n]/g, ' ') : json
    this.#output.write(`${line}\n`, left && (() => left()))
  }

  flushed(told: () => void): void {
    if (this.#gone || this.#output.writableLength === 0) return told()
    this.#output.write('', () => told())
  }
}
