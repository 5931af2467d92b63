import { createHash, timingSafeEqual } from 'node:crypto'
import { type AuthRequest, type Denial, deny, type Principal } from '../../sdk/index.ts'
import { HookError } from '../hooks/errors.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Operations } from './operations.ts'
import { AdminProblem } from './problem.ts'

/** The scope that opens the admin door. */
export const ADMIN_SCOPE = 'patchbay:admin'

/** Whoever can read the token file. */
export const OPERATOR: Principal = {
  issuer: 'patchbay',
  subject: 'operator',
  claims: {},
  scopes: [ADMIN_SCOPE],
}

/** Whoever asks for a path that the config has opened. */
export const ANYBODY: Principal = { issuer: 'patchbay', subject: 'anybody', claims: {}, scopes: [] }

const HOW =
  'Send the token of the file `admin-token` in the data folder as `Authorization: Bearer …`, ' +
  `or the credentials of a caller with the scope ${ADMIN_SCOPE}.`

const STATUS: Partial<Record<Denial['code'], number>> = {
  UNAUTHENTICATED: 401,
  INSUFFICIENT_SCOPE: 403,
  FORBIDDEN: 403,
  RATE_LIMITED: 429,
  UNAVAILABLE: 503,
  TIMEOUT: 504,
}

/** Who may use the admin door. */
export class AdminGate {
  readonly #kernel: Kernel
  readonly #operations: Operations
  readonly #token: Buffer

  /** @param token the local operator's */
  constructor(kernel: Kernel, operations: Operations, token: string) {
    this.#kernel = kernel
    this.#operations = operations
    this.#token = digest(token)
  }

  /** Who sends the request. @throws AdminProblem unless it is the local operator or has the scope */
  async admit(auth: AuthRequest): Promise<Principal> {
    const [, presented] = /^bearer +(\S+)$/i.exec(auth.headers.authorization ?? '') ?? []
    // Digests have one length, so that comparing takes the same time however wrong the token is.
    if (presented !== undefined && timingSafeEqual(digest(presented), this.#token)) return OPERATOR
    const found = await this.#ask(auth)
    if (!('principal' in found)) throw this.#refusal(auth, found)
    const { scopes }: { scopes: unknown } = found.principal
    // Text would be searched for a part of it: a plugin's slip must not open the door.
    if (Array.isArray(scopes) && scopes.includes(ADMIN_SCOPE)) return found.principal
    const reason = `the admin door needs the scope ${ADMIN_SCOPE}`
    const more = { hint: HOW, scopes: [ADMIN_SCOPE] }
    throw this.#refusal(auth, deny('INSUFFICIENT_SCOPE', reason, more))
  }

  async #ask(auth: AuthRequest) {
    try {
      return await this.#kernel.authenticate(auth)
    } catch (cause) {
      if (!(cause instanceof HookError)) throw cause
      const detail = `a plugin failed: ${cause.message}. Nobody is let in meanwhile; see the log.`
      throw new AdminProblem({ status: 500, code: 'PLUGIN_FAILED', detail })
    }
  }

  #refusal(auth: AuthRequest, denial: Denial): AdminProblem {
    const { path, remoteAddress, requestId } = auth
    this.#kernel.emit({ type: 'auth.refused', denial, path, remoteAddress, requestId })
    const status = STATUS[denial.code] ?? 403
    const challenges = this.#operations.challengeHeaders(denial, { auth })
    const told = status === 401 || status === 403
    // RFC 9110, 15.5.2: a 401 carries a challenge, also where no plugin has one.
    const own = status === 401 && challenges.length === 0
    const hint = denial.code === 'UNAUTHENTICATED' ? HOW : denial.hint
    return new AdminProblem({
      status,
      code: denial.code,
      detail: `${denial.message}. ${hint}`,
      headers: own ? ['www-authenticate', 'Bearer realm="patchbay admin"'] : told ? challenges : [],
    })
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
