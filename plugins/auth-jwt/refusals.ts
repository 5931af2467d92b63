import { errors } from 'jose'
import { type Denial, deny } from 'mcp-patchbay/sdk'

const HINT = 'Get a new access token for this gateway from its authorization server.'

/** @param why never says anything of the token that is not a name of ours */
export function invalid(why: string): Denial {
  return deny('UNAUTHENTICATED', `the access token is not valid: ${why}`, { hint: HINT })
}

/** It was good once. */
export const EXPIRED = invalid('it has expired')

/** It is for somebody else, or for another endpoint of this gateway. */
export const ELSEWHERE = invalid('it is for another audience')

/** It cannot be judged now. Not the caller's fault, so no reason to log in again. */
export function unavailable(issuer: string, retryAfterMs: number): Denial {
  return deny(
    'UNAVAILABLE',
    `the keys of ${issuer} cannot be read now, so no token can be judged`,
    {
      hint: 'Try again later; operators find the reason in the log.',
      retryAfterMs: Math.max(1_000, retryAfterMs),
    },
  )
}

/** What `jose` found wrong. Its errors hold the claims: only their kind is told. */
export function reasonOf(cause: unknown): string {
  if (cause instanceof errors.JWTExpired) return 'it has expired'
  if (cause instanceof errors.JWTClaimValidationFailed) return claimReason(cause)
  if (cause instanceof errors.JOSEAlgNotAllowed || cause instanceof errors.JOSENotSupported) {
    return 'its algorithm is not accepted'
  }
  if (
    cause instanceof errors.JWSSignatureVerificationFailed ||
    cause instanceof errors.JWKSNoMatchingKey ||
    cause instanceof errors.JWKSMultipleMatchingKeys
  ) {
    return 'it is not signed with a key of its issuer'
  }
  return 'it is malformed'
}

function claimReason({ claim, reason }: errors.JWTClaimValidationFailed): string {
  if (reason === 'missing') return `it lacks the claim ${claim}`
  if (claim === 'aud') return 'it is for another audience'
  if (claim === 'nbf') return 'it is not valid yet'
  return `its claim ${claim} is not as it must be`
}
