import { hash } from 'node:crypto'
import { decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose'
import type { Authenticated, Clock, Denial, Maybe } from 'mcp-patchbay/sdk'
import { headerOf, isOfType } from './bearer.ts'
import type { Issuer } from './issuer.ts'
import type { Keys } from './key-set.ts'
import { type KnownToken, KnownTokens } from './known-tokens.ts'
import { ELSEWHERE, EXPIRED, invalid, reasonOf, unavailable } from './refusals.ts'
import type { Resource, Resources } from './resources.ts'
import type { Settings } from './settings.ts'

/** What is said of a token: who it is, why not, or nothing where it is no JWT. */
export type Judgement = Authenticated | Denial | undefined

/** Judges access tokens, each once. */
export class Verifier {
  readonly #issuers: ReadonlyMap<string, Issuer>
  readonly #settings: Settings
  readonly #resources: Resources
  readonly #clock: Clock
  readonly #types: ReadonlySet<string>
  readonly #audiences: string[]
  readonly #known = new KnownTokens()

  constructor(
    issuers: ReadonlyMap<string, Issuer>,
    settings: Settings,
    resources: Resources,
    clock: Clock,
  ) {
    this.#issuers = issuers
    this.#settings = settings
    this.#resources = resources
    this.#clock = clock
    this.#types = new Set(settings.types.map((type) => type.toLowerCase()))
    this.#audiences = [...(settings.audiences ?? resources.all.map(({ url }) => url))]
  }

  /** How many tokens are remembered. */
  get remembered(): number {
    return this.#known.size
  }

  /** @param path that the token is used at */
  judge(token: string, path: string): Maybe<Judgement> {
    const digest = hash('sha256', token, 'base64')
    const known = this.#known.get(digest)
    if (known !== undefined) {
      const { issuer, found, generation } = known
      if (found.until <= this.#clock.now()) {
        this.#known.delete(digest)
        return EXPIRED
      }
      // In the background: it never rejects.
      void issuer.keys.refresh()
      if (generation === issuer.keys.generation) return admitted(known, path)
    }
    return this.#verify(digest, token).then((one) =>
      one === undefined || !('found' in one) ? one : admitted(one, path),
    )
  }

  async #verify(digest: string, token: string): Promise<KnownToken | Denial | undefined> {
    const header = headerOf(token)
    if (header === undefined) return undefined
    if (!isOfType(header, this.#types)) return invalid('its type is not that of an access token')
    try {
      const { iss = '' } = decodeJwt(token)
      const issuer = this.#issuers.get(iss)
      if (issuer === undefined) return invalid('its issuer is not trusted here')
      const keys = await issuer.keys.current()
      if (keys === undefined) return unavailable(issuer.name, issuer.keys.pause)
      const { claims, generation } = await this.#claims(token, issuer, keys)
      const reason = whyNot(claims, issuer)
      if (reason !== undefined) return this.#refuse(digest, reason)
      const known = this.#admit(claims, issuer, generation, this.#known.get(digest))
      this.#known.set(digest, known, this.#clock.now())
      return known
    } catch (cause) {
      if (!(cause instanceof errors.JOSEError)) throw cause
      return this.#refuse(digest, reasonOf(cause))
    }
  }

  #refuse(digest: string, reason: string): Denial {
    this.#known.delete(digest)
    return invalid(reason)
  }

  /** What a token claims. A key that is not known may be new: they are read again, within reason. */
  async #claims(token: string, issuer: Issuer, keys: Keys): Promise<Verified> {
    try {
      return await this.#verified(token, issuer, keys)
    } catch (cause) {
      if (!(cause instanceof errors.JWKSNoMatchingKey) || !(await issuer.keys.renew())) throw cause
      const renewed = await issuer.keys.current()
      if (renewed === undefined) throw cause
      return this.#verified(token, issuer, renewed)
    }
  }

  async #verified(token: string, { name }: Issuer, keys: Keys): Promise<Verified> {
    const { algorithms, clockTolerance } = this.#settings
    const options = {
      issuer: name,
      audience: this.#audiences,
      algorithms: [...algorithms],
      clockTolerance: clockTolerance / 1000,
      currentDate: new Date(this.#clock.now()),
      requiredClaims: ['exp', 'sub'],
    }
    const { generation } = keys
    try {
      return { claims: (await jwtVerify(token, keys.find, options)).payload, generation }
    } catch (cause) {
      // It names no key: whichever of those that fit has signed it.
      if (!(cause instanceof errors.JWKSMultipleMatchingKeys)) throw cause
      for await (const key of cause) {
        const found = await jwtVerify(token, key, options).catch(unlessSignature)
        if (found !== undefined) return { claims: found.payload, generation }
      }
      throw cause
    }
  }

  #admit(claims: JWTPayload, issuer: Issuer, generation: number, before?: KnownToken): KnownToken {
    const { audiences, clockTolerance } = this.#settings
    const { sub: subject = '', exp = 0, aud = [] } = claims
    const named = new Set([aud].flat())
    const isFor = ({ url }: Resource) => named.has(url)
    const principal = { issuer: issuer.name, subject, claims, scopes: issuer.scopesOf(claims) }
    return {
      // A token's principal stays the same object: sent twice at once, or verified again with new keys.
      found: before?.found ?? { principal, until: exp * 1000 + clockTolerance },
      issuer,
      generation,
      everywhere: audiences !== undefined || isFor(this.#resources.main),
      paths: this.#resources.all.filter(isFor).map(({ path }) => path),
    }
  }
}

interface Verified {
  readonly claims: JWTPayload
  /** Of the keys it was verified with. */
  readonly generation: number
}

function admitted({ found, everywhere, paths }: KnownToken, path: string): Authenticated | Denial {
  return everywhere || paths.includes(path) ? found : ELSEWHERE
}

/** What speaks against a token that its issuer has signed for us. */
function whyNot(claims: JWTPayload, issuer: Issuer): string | undefined {
  if (typeof claims.sub !== 'string' || claims.sub === '')
    return 'its claim sub is not as it must be'
  // Whoever holds it must prove that the key is theirs (RFC 9449, RFC 8705): as a bearer token it was stolen.
  if (claims.cnf !== undefined) return 'it is bound to a key, which is not supported here'
  const missing = issuer.lacks(claims)
  return missing === undefined ? undefined : `it lacks the claim ${missing}`
}

function unlessSignature(cause: unknown): undefined {
  if (!(cause instanceof errors.JWSSignatureVerificationFailed)) throw cause
}
