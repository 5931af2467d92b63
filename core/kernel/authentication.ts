import {
  type Authenticated,
  type AuthRequest,
  type Challenge,
  type Clock,
  type Denial,
  deny,
  type Maybe,
} from '../../sdk/index.ts'
import { atOnce, type HookTable, isPromise } from '../hooks/hooks.ts'
import { isDenial } from '../hooks/returned.ts'
import { isObject } from '../wire/json.ts'

/** Asks the plugins who sends a request, and how to say it better. */
export class Authentication {
  readonly #hooks: HookTable
  readonly #clock: Clock

  constructor(hooks: HookTable, clock: Clock) {
    this.#hooks = hooks
    this.#clock = clock
  }

  /**
   * Who sends a request. With no listener nobody can be anybody: open is something operators write down.
   * @throws HookError, or rejects with it
   */
  authenticate(request: AuthRequest): Maybe<Authenticated | Denial> {
    const { authenticate } = this.#hooks.on
    if (authenticate === null) {
      return deny('UNAUTHENTICATED', 'no plugin of this gateway authenticates callers', {
        hint: 'Enable a plugin with an `authenticate` hook in the config.',
      })
    }
    const found = this.#hooks.first<AuthRequest, Authenticated | Denial>(
      authenticate,
      request,
      isAnswer,
    )
    return isPromise(found) ? found.then((one) => this.#current(one)) : this.#current(found)
  }

  /** Credentials that have ended are none, whatever a plugin still knows of them. */
  #current(found: Authenticated | Denial | undefined): Authenticated | Denial {
    if (found === undefined) return NO_CREDENTIALS
    if (!('until' in found) || found.until === undefined) return found
    return found.until > this.#clock.now() ? found : ENDED
  }

  /** How to authenticate, told with a refusal. */
  challenges(request: AuthRequest, denial: Denial): Challenge[] {
    return (this.#hooks.on.challenge ?? []).flatMap(({ plugin, run }) => {
      try {
        const challenges = [atOnce(run(request, denial)) ?? []].flat()
        for (const one of challenges) checkChallenge(one)
        return challenges
      } catch (cause) {
        this.#hooks.report(plugin, 'challenge', cause, true)
        return []
      }
    })
  }
}

const NO_CREDENTIALS = deny(
  'UNAUTHENTICATED',
  'the request carries no credentials that are known here',
  {
    hint: 'Send what the WWW-Authenticate header asks for.',
  },
)

const ENDED = deny('UNAUTHENTICATED', 'the credentials have ended', {
  hint: 'Get new ones, as the WWW-Authenticate header says.',
})

/** Whether an auth plugin said something that can be relied on: a refusal, or who it is. */
function isAnswer(value: unknown): boolean {
  if (!isObject(value) || !('principal' in value)) return isDenial(value)
  const { principal } = value
  return (
    isObject(principal) &&
    typeof principal.issuer === 'string' &&
    typeof principal.subject === 'string'
  )
}

/** @throws TypeError for what cannot stand in a header */
function checkChallenge({ scheme, params = {} }: Challenge): void {
  const token = /^[\w!#$%&'*+.^`|~-]+$/
  for (const name of [scheme, ...Object.keys(params)]) {
    if (typeof name !== 'string' || !token.test(name)) {
      throw new TypeError(`returned a challenge with \`${name}\`, which is no token`)
    }
  }
  for (const [name, value] of Object.entries(params)) {
    if (typeof value !== 'string')
      throw new TypeError(`returned a challenge without text for ${name}`)
  }
}
