import type { Call } from 'mcp-patchbay/sdk'
import { Document } from './document.ts'
import { assertExact } from './exact.ts'
import { RuleFailure } from './failure.ts'
import { type Path, readSteps } from './path.ts'

/** What the paths of a rule can reach: what was sent, what was answered so far, who calls. */
export class Scope {
  readonly call: Call
  readonly #result: Readonly<Record<string, unknown>>
  readonly #largest: number
  #document: Document | RuleFailure | undefined

  /** @param largest the most characters of a result's text that are looked into */
  constructor(call: Call, result: Readonly<Record<string, unknown>>, largest: number) {
    this.call = call
    this.#result = result
    this.#largest = largest
  }

  /** The result as JSON, made when first read. @throws RuleFailure `TOO_LARGE`, each time */
  get document(): Document {
    try {
      this.#document ??= new Document(this.#result, this.#largest)
    } catch (cause) {
      if (!(cause instanceof RuleFailure)) throw cause
      this.#document = cause
    }
    if (this.#document instanceof RuleFailure) throw this.#document
    return this.#document
  }

  /** The members of the result that rules have changed. */
  changes(): Readonly<Record<string, unknown>> {
    return this.#document instanceof Document ? this.#document.changes() : {}
  }

  /** What a path leads to, to be looked at; `undefined` when there is nothing. @throws RuleFailure `TOO_LARGE` */
  read({ root, steps }: Path): unknown {
    return root === 'result' ? this.document.read(steps) : readSteps(this.#rooted(root), steps)
  }

  /** What a path leads to, to be passed on. @throws RuleFailure `NO_VALUE`, `INEXACT`, `TOO_LARGE` */
  take(path: Path): unknown {
    const { root, steps, text } = path
    const value = root === 'result' ? this.document.take(steps) : this.read(path)
    if (value === undefined) throw new RuleFailure('NO_VALUE', `there is nothing at ${text}`)
    if (root !== 'result') assertExact(value)
    return value
  }

  #rooted(root: Path['root']): unknown {
    return root === 'args' ? this.call.args : this.call.caller.principal
  }
}
