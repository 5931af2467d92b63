import { InvalidSettings } from 'mcp-patchbay/sdk'
import { wordOf } from './exact.ts'
import { RuleFailure } from './failure.ts'
import type { Path } from './path.ts'
import { pathAt, SCOPE_ROOTS } from './predicate.ts'
import type { Scope } from './scope.ts'

const LONGEST = 8192
/** What follows the origin cannot change it. */
const ORIGIN = /^https?:\/\/[^/?#{}\\\s]+\//i
const DOTS = /(?:^|\/)(?:\.|%2e){1,2}(?=\/|$)/i

/** An address with values in it: `https://api.example/people/{result.owner.id}`. */
export class UrlTemplate {
  readonly #texts: readonly string[]
  readonly #paths: readonly Path[]

  /** @param at where it stands in the settings @throws InvalidSettings */
  constructor(template: string, at: string) {
    const hint = 'Write for example `https://api.example/people/{args.id}`.'
    if (!ORIGIN.test(template) || !URL.canParse(template.replaceAll(/\{[^{}]*\}/g, 'x'))) {
      const reason = 'is no http address with a fixed host, a slash, and values only after that'
      throw new InvalidSettings(at, reason, hint)
    }
    if (/[{}]/.test(template.replaceAll(/\{[^{}]*\}/g, ''))) {
      throw new InvalidSettings(at, 'has a brace without its counterpart', hint)
    }
    const parts = template.split(/\{([^{}]*)\}/)
    this.#texts = parts.filter((_part, index) => index % 2 === 0)
    this.#paths = parts
      .filter((_part, index) => index % 2 === 1)
      .map((text) => pathAt(text, SCOPE_ROOTS, at))
  }

  /** The address for a call. Values are percent-encoded. @throws RuleFailure `NO_VALUE`, `INEXACT` */
  expand(scope: Scope): string {
    let url = this.#texts[0] as string
    for (const [index, path] of this.#paths.entries()) {
      url += encoded(wordOf(scope.take(path)), path) + this.#texts[index + 1]
    }
    // Dots would be a way out of the folder that the operator named.
    const [way = ''] = url.slice(url.indexOf('/', 8)).split(/[?#]/)
    if (DOTS.test(way) || url.length > LONGEST) {
      throw new RuleFailure('NO_VALUE', 'a value does not fit into the address of its source')
    }
    return url
  }
}

function encoded(word: string | undefined, { text }: Path): string {
  // An empty value would ask for the list in place of the one.
  if (word === undefined || word === '' || !word.isWellFormed()) {
    throw new RuleFailure('NO_VALUE', `there is no text or number at ${text}`)
  }
  return encodeURIComponent(word)
}
