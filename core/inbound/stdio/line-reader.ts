import { isUtf8 } from 'node:buffer'

const NEWLINE = 0x0a

/** Cuts what comes over a pipe into lines: one message each (MCP, transports: stdio). */
export class LineReader {
  readonly #longest: number
  readonly #line: (text: string | undefined, problem: string) => void
  #parts: Buffer[] = []
  #size = 0

  /**
   * @param longest bytes of a line; of a longer one nothing is kept
   * @param line takes each line that holds anything, or what is wrong with one
   */
  constructor(longest: number, line: (text: string | undefined, problem: string) => void) {
    this.#longest = longest
    this.#line = line
  }

  /** Takes what came. */
  feed(chunk: Buffer): void {
    let from = 0
    for (;;) {
      const at = chunk.indexOf(NEWLINE, from)
      if (at < 0) break
      this.#take(chunk.subarray(from, at))
      this.end()
      from = at + 1
    }
    if (from < chunk.length) this.#take(chunk.subarray(from))
  }

  /** Nothing more comes for this line: a last one may do without its line break. */
  end(): void {
    const [parts, size] = [this.#parts, this.#size]
    this.#parts = []
    this.#size = 0
    if (size > this.#longest) {
      return this.#line(undefined, `a message is larger than ${this.#longest} bytes`)
    }
    const line = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
    // Replacement characters would change what the client meant; JSON is UTF-8 (RFC 8259, 8.1).
    if (!isUtf8(line)) return this.#line(undefined, 'a message is not UTF-8')
    const text = line.toString('utf8')
    if (text.trim() !== '') this.#line(text, '')
  }

  #take(part: Buffer): void {
    if (part.length === 0) return
    this.#size += part.length
    if (this.#size > this.#longest) this.#parts = []
    else this.#parts.push(part)
  }
}
