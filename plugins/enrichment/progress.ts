import type { Call, Maybe, ResultOutcome } from 'mcp-patchbay/sdk'
import { failureOf, RuleFailure } from './failure.ts'
import type { Rule } from './rule.ts'
import { Scope } from './scope.ts'
import type { Frames } from './tool-source.ts'

/** A rule with what is known of the entry: whether its value may stand in the result's JSON. */
export interface Placed {
  readonly rule: Rule
  readonly lets: boolean
}

/** What every enriching shares. */
export interface Terms {
  /** The key in `_meta` for what stands nowhere else. */
  readonly key: string
  readonly budget: number
  readonly largest: number
  readonly frames: Frames
  now(): number
  /** Told of each failure, for operators. */
  failed(rule: Rule, failure: RuleFailure): void
}

interface Warning {
  readonly rule: string
  readonly code: string
  readonly message: string
}

/** What is nested deeper passes as text, and could not be written anew. */
const DEEPEST = 500

/** The rules of one call at work on its result, in order. */
export class Progress {
  readonly #terms: Terms
  readonly #outcome: ResultOutcome
  readonly #scope: Scope
  readonly #blocks: object[] = []
  readonly #warnings: Warning[] = []
  readonly #beside: Record<string, unknown> = {}
  #added = false
  #end: number | undefined

  constructor(terms: Terms, call: Call, outcome: ResultOutcome) {
    this.#terms = terms
    this.#outcome = outcome
    this.#scope = new Scope(call, outcome.result, terms.largest)
  }

  /** Applies the rules from one on. Never throws, never rejects. @returns the new outcome, if it has changed */
  run(rules: readonly Placed[], from = 0): Maybe<ResultOutcome | undefined> {
    for (let i = from; i < rules.length; i++) {
      const one = rules[i] as Placed
      let found: unknown
      try {
        if (!this.#begin(one)) continue
        found = one.rule.find(this.#scope, this.#left(one.rule))
        if (!(found instanceof Promise)) {
          this.#add(one, found)
          continue
        }
      } catch (cause) {
        this.#fail(one.rule, cause)
        continue
      }
      return found
        .then((value) => this.#add(one, value))
        .catch((cause) => this.#fail(one.rule, cause))
        .then(() => this.run(rules, i + 1))
    }
    try {
      const outcome = this.#ended()
      if (outcome === undefined || !isDeeper(outcome.result, DEEPEST)) return outcome
    } catch {
      // The same, found out the hard way.
    }
    const [first] = rules
    const failure = new RuleFailure('TOO_LARGE', 'the result is nested too deep to be changed')
    if (first !== undefined) this.#terms.failed(first.rule, failure)
    return undefined
  }

  /** Whether a rule applies, and can be applied. @throws RuleFailure */
  #begin({ rule, lets }: Placed): boolean {
    if (this.#outcome.result.isError === true && !rule.onErrors) return false
    if (!rule.applies(this.#scope)) return false
    if (this.#scope.call.depth > 0 && this.#terms.frames.isInside(rule.name)) return false
    // Before anybody is asked for what could not be put anywhere.
    if (rule.at !== undefined && lets) {
      this.#scope.document.assertWritable(rule.at.steps, rule.at.text)
    }
    return true
  }

  /** How long a rule may wait. @throws RuleFailure `BUDGET` */
  #left({ timeout }: Rule): number {
    const now = this.#terms.now()
    this.#end ??= now + this.#terms.budget
    const left = this.#end - now
    if (left > 0) return Math.min(left, timeout)
    throw new RuleFailure('BUDGET', 'those before it took all the time there was')
  }

  #add({ rule, lets }: Placed, value: unknown): void {
    if (rule.at !== undefined && lets) this.#scope.document.write(rule.at.steps, value)
    else if (rule.at !== undefined) this.#beside[rule.name] = value
    // Nobody shows people what is in `_meta`.
    if (rule.asText || (rule.at !== undefined && !lets)) {
      const said = typeof value === 'string' ? value : JSON.stringify(value)
      this.#blocks.push({ type: 'text', text: `${rule.name}: ${said}` })
    }
    this.#added = true
    rule.tally.added++
  }

  #fail(rule: Rule, cause: unknown): void {
    const failure = failureOf(cause)
    if (failure.code === 'NO_VALUE' && rule.quiet) {
      rule.tally.skipped++
      return
    }
    rule.tally.failed++
    this.#terms.failed(rule, failure)
    const { code, message } = failure
    this.#warnings.push({ rule: rule.name, code, message })
    const text = `warning: enrichment "${rule.name}" is missing (${code}): ${message}`
    this.#blocks.push({ type: 'text', text })
  }

  #ended(): ResultOutcome | undefined {
    if (!this.#added && this.#warnings.length === 0) return undefined
    const { result, source, executed } = this.#outcome
    const changed: Record<string, unknown> = { ...result, ...this.#scope.changes() }
    if (this.#blocks.length > 0) {
      const content = Array.isArray(changed.content) ? changed.content : []
      changed.content = [...content, ...this.#blocks]
    }
    const meta = this.#meta()
    if (meta !== undefined) {
      const before = typeof result._meta === 'object' ? result._meta : {}
      changed._meta = { ...before, [this.#terms.key]: meta }
    }
    return { kind: 'result', result: changed, source, executed }
  }

  #meta(): object | undefined {
    const values = Object.keys(this.#beside).length > 0 ? { values: this.#beside } : {}
    const warnings = this.#warnings.length > 0 ? { warnings: this.#warnings } : {}
    const meta = { ...values, ...warnings }
    return Object.keys(meta).length > 0 ? meta : undefined
  }
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  for (const one of Object.values(value)) if (isDeeper(one, levels - 1)) return true
  return false
}
