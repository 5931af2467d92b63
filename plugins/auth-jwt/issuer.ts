import { createPublicKey } from 'node:crypto'
import type { JSONWebKeySet, JWTPayload } from 'jose'
import { type Clock, type Http, InvalidSettings, type Log } from 'mcp-patchbay/sdk'
import { claimAt } from './claims.ts'
import { findJwksUri, type Get, jsonOf } from './discovery.ts'
import { Grants } from './grants.ts'
import { KeySet } from './key-set.ts'
import type { IssuerSettings, Settings } from './settings.ts'

/** What an issuer is made with. */
export interface IssuerParts {
  readonly clock: Clock
  readonly http: Http
  readonly log: Log
  /** Ends what is being read. */
  readonly signal: AbortSignal
}

/** All of one reading must fit into what `authenticate` may take. */
const READING = 8_000
const REQUEST = 4_000
const LARGEST = 256 * 1024

/** One whose tokens are accepted. */
export class Issuer {
  /** As `iss` has it. */
  readonly name: string
  readonly keys: KeySet
  readonly #required: readonly string[]
  readonly #grants: Grants
  #problem: string | undefined

  /** @param at its place in the settings. @throws InvalidSettings */
  constructor(own: IssuerSettings, { claims, mappings }: Settings, at: string, parts: IssuerParts) {
    const { clock, log } = parts
    this.name = own.issuer
    this.#required = [...claims, ...own.claims]
    this.#grants = new Grants(
      [
        ['mappings', mappings],
        [`${at}.mappings`, own.mappings],
      ],
      [`${at}.scopes`, own.scopes],
    )
    const read = keysOf(own, at, parts)
    const reading = async () => {
      const keys = await read()
      this.#problem = undefined
      return keys
    }
    this.keys = new KeySet(reading, clock, (cause) => {
      if (parts.signal.aborted) return
      this.#problem = cause instanceof Error ? cause.message : String(cause)
      log.warn({ issuer: this.name, reason: this.#problem }, 'the keys of an issuer cannot be read')
    })
  }

  /** The first claim that a token must have and does not. */
  lacks(claims: JWTPayload): string | undefined {
    return this.#required.find((path) => (claimAt(claims, path) ?? null) === null)
  }

  /** The scopes that a token gives. */
  scopesOf(claims: JWTPayload): readonly string[] {
    return this.#grants.of(claims)
  }

  /** How its keys are, for `/status`. */
  status(): object {
    const { age, generation } = this.keys
    return {
      issuer: this.name,
      keys: age === undefined ? 'none yet' : `read ${Math.round(age / 1000)} s ago`,
      changes: generation,
      ...(this.#problem === undefined ? {} : { problem: this.#problem }),
    }
  }
}

/** @throws InvalidSettings for keys that are none, or must not be here */
function keysOf(
  { issuer, jwksUri, jwks }: IssuerSettings,
  at: string,
  { http, clock, signal }: IssuerParts,
): () => Promise<JSONWebKeySet> {
  if (jwks !== undefined) {
    if (jwksUri !== undefined) {
      throw new InvalidSettings(
        `${at}.jwks`,
        'cannot stand beside `jwksUri`',
        'Keep one of the two.',
      )
    }
    jwks.keys.forEach((key, i) => {
      judgeKey(key, `${at}.jwks.keys[${i}]`)
    })
    return async () => jwks as unknown as JSONWebKeySet
  }
  return async () => {
    const end = clock.monotonic() + READING
    const get: Get = (url) => {
      const timeoutMs = Math.max(1, Math.min(REQUEST, end - clock.monotonic()))
      const headers = { accept: 'application/json' }
      return http.request(url, { headers, timeoutMs, maxBytes: LARGEST, redirects: 0, signal })
    }
    return readKeys(jwksUri ?? (await findJwksUri(issuer, get)), get)
  }
}

async function readKeys(url: string, get: Get): Promise<JSONWebKeySet> {
  const answer = await get(url)
  if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}`)
  const document = jsonOf(answer)
  if (!Array.isArray(document?.keys) || document.keys.length === 0) {
    throw new Error(`${url} holds no keys`)
  }
  return { keys: document.keys }
}

/** @throws InvalidSettings */
function judgeKey(key: Readonly<Record<string, unknown>>, path: string): void {
  const hint = "Copy the issuer's public keys as its `jwks_uri` has them."
  // A secret here would be read by whoever reads the config, and then anybody could sign.
  if (key.d !== undefined || key.k !== undefined) {
    throw new InvalidSettings(path, 'is not a public key', hint)
  }
  try {
    createPublicKey({ key, format: 'jwk' })
  } catch {
    throw new InvalidSettings(path, 'is no key', hint)
  }
}
