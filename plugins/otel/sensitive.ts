import type { Call, Caller, Outcome, Secrets } from 'mcp-patchbay/sdk'
import { beginning } from './bounded.ts'
import type { Sensitive } from './schema.ts'
import type { Attributes } from './span.ts'

/** Variables of one prompt that are recorded, and characters of their names, at most. */
const MOST_VARIABLES = 32
const LONGEST_NAME = 128

/** Attributes that may hold what is personal: only those that the config names. */
export class SensitiveAttributes {
  readonly #named: ReadonlySet<Sensitive>
  readonly #longest: number
  readonly #secrets: Secrets

  /** @param longest characters of a value at most */
  constructor(named: ReadonlySet<Sensitive>, longest: number, secrets: Secrets) {
    this.#named = named
    this.#longest = longest
    this.#secrets = secrets
  }

  /** Puts what may be told of a call on its span. */
  add(attributes: Attributes, call: Call, outcome: Outcome): void {
    if (this.#named.size === 0) return
    const { method, args } = call
    if (method === 'tools/call') {
      this.#put(attributes, 'gen_ai.tool.call.arguments', () => JSON.stringify(args))
      if (outcome.kind === 'result') {
        this.#put(attributes, 'gen_ai.tool.call.result', () => JSON.stringify(outcome.result))
      }
    }
    if (method === 'resources/read')
      this.#put(attributes, 'mcp.resource.uri', () => String(args.uri))
    if (method === 'prompts/get' && this.#named.has('gen_ai.prompt.variable')) {
      for (const [name, value] of Object.entries(args).slice(0, MOST_VARIABLES)) {
        attributes[`gen_ai.prompt.variable.${beginning(name, LONGEST_NAME)}`] = this.#told(
          String(value),
        )
      }
    }
  }

  /** Puts what may be told of who calls on a span. */
  addCaller(attributes: Attributes, caller: Caller, sessionId: string | undefined): void {
    if (this.#named.size === 0) return
    const { issuer, subject } = caller.principal
    if (this.#named.has('user.id')) {
      attributes['user.id'] = this.#told(subject)
      attributes['patchbay.user.issuer'] = this.#told(issuer)
    }
    if (sessionId !== undefined) this.#put(attributes, 'mcp.session.id', () => sessionId)
  }

  /** Why it failed, if that may be told. */
  message(outcome: Outcome): string | undefined {
    if (!this.#named.has('error.message') || !('message' in outcome)) return undefined
    return this.#told(outcome.message)
  }

  #put(attributes: Attributes, name: Sensitive, value: () => string): void {
    if (this.#named.has(name)) attributes[name] = this.#told(value())
  }

  /** Redacted before it is cut: half a secret would not be known as one. */
  #told(text: string): string {
    return beginning(this.#secrets.redact(text), this.#longest)
  }
}
