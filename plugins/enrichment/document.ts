import { assertExact, parseExact, plain, saysSame } from './exact.ts'
import { RuleFailure } from './failure.ts'
import { isObject, isWritable, readSteps, type Step, writeSteps } from './path.ts'

/** A content block as MCP has them. */
type Block = Readonly<Record<string, unknown>>

/** A text block whose text is JSON. */
interface JsonBlock {
  readonly index: number
  /** Every number as it was written. */
  value: unknown
  readonly indent: string
}

const INDENTED = /^\s*[[{]\r?\n([ \t]{1,10})/

/**
 * What a tool returned, as JSON: `structuredContent` and the text block that repeats it, which change together,
 * or where there is no `structuredContent` the first text block, if it is JSON.
 */
export class Document {
  readonly #content: readonly Block[]
  readonly #structured: boolean
  #value: unknown
  readonly #block: JsonBlock | undefined
  #changed = false

  /**
   * @param largest the most characters of text that are looked into
   * @throws RuleFailure `TOO_LARGE`
   */
  constructor(result: Readonly<Record<string, unknown>>, largest: number) {
    this.#content = Array.isArray(result.content) ? result.content : []
    const { structuredContent } = result
    this.#structured = structuredContent !== undefined
    this.#value = structuredContent
    this.#block = jsonBlock(this.#content, largest, structuredContent)
    if (this.#block !== undefined && !this.#structured) this.#value = this.#block.value
  }

  /** Whether there is any JSON in the result. */
  get exists(): boolean {
    return this.#value !== undefined
  }

  /** What is at the end of the steps; `undefined` when there is nothing. */
  read(steps: readonly Step[]): unknown {
    return plain(readSteps(this.#block === undefined ? this.#value : this.#block.value, steps))
  }

  /** The same, to be passed on. @throws RuleFailure `INEXACT` where digits of a number may be lost already */
  take(steps: readonly Step[]): unknown {
    const value = this.read(steps)
    if (this.#block === undefined) assertExact(value)
    return value
  }

  /** @throws RuleFailure `NOT_OBJECT`, `NO_PLACE` where {@link write} could not write */
  assertWritable(steps: readonly Step[], text: string): void {
    if (typeof steps[0] === 'number' ? !Array.isArray(this.#value) : !isObject(this.#value)) {
      throw new RuleFailure('NOT_OBJECT', 'the result is no JSON object that could hold it')
    }
    if (isWritable(this.#value, steps)) return
    throw new RuleFailure('NO_PLACE', `the result has no place at ${text}`)
  }

  /** Writes a value; what {@link assertWritable} refuses must not be asked for. */
  write(steps: readonly Step[], value: unknown): void {
    this.#value = writeSteps(this.#value, steps, value)
    if (this.#block !== undefined) this.#block.value = writeSteps(this.#block.value, steps, value)
    this.#changed = true
  }

  /** The members of the result that have changed. */
  changes(): Readonly<Record<string, unknown>> {
    if (!this.#changed) return {}
    const structured = this.#structured ? { structuredContent: this.#value } : {}
    if (this.#block === undefined) return structured
    const { index, value, indent } = this.#block
    const text = JSON.stringify(value, null, indent)
    return { ...structured, content: this.#content.with(index, { ...this.#content[index], text }) }
  }
}

/**
 * What is at the end of the steps in what a tool returned: in its JSON, or else in its first text.
 * @throws RuleFailure `TOO_LARGE`, `INEXACT`
 */
export function takeFrom(
  result: Readonly<Record<string, unknown>>,
  steps: readonly Step[],
  largest: number,
): unknown {
  const document = new Document(result, largest)
  if (document.exists) return document.take(steps)
  const content: readonly Block[] = Array.isArray(result.content) ? result.content : []
  return readSteps(content.find(({ type }) => type === 'text')?.text, steps)
}

/** @param structured what it has to repeat; `undefined` where there is nothing to repeat */
function jsonBlock(
  content: readonly Block[],
  largest: number,
  structured: unknown,
): JsonBlock | undefined {
  let left = largest
  for (const [index, { type, text }] of content.entries()) {
    if (type !== 'text' || typeof text !== 'string') continue
    left -= text.length
    if (left < 0) throw new RuleFailure('TOO_LARGE', 'the result is too large to be looked into')
    if (!/^\s*[[{]/.test(text)) continue
    const indent = INDENTED.exec(text)?.[1] ?? ''
    const value = repeated(text, structured, indent)
    if (value !== undefined) return { index, value, indent }
  }
  return undefined
}

/** What a text says, if it is JSON and repeats what it has to. */
function repeated(text: string, structured: unknown, indent: string): unknown {
  // As nearly every server writes it: then there is nothing to read and to compare.
  if (structured !== undefined && JSON.stringify(structured, null, indent) === text) {
    return structured
  }
  let value: unknown
  try {
    value = parseExact(text)
  } catch {
    return undefined
  }
  return structured === undefined || saysSame(structured, value) ? value : undefined
}
