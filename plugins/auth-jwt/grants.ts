import { InvalidSettings, matcher } from 'mcp-patchbay/sdk'
import { claimAt, valuesOf } from './claims.ts'
import type { Mappings } from './settings.ts'

type Test = (value: string) => unknown

interface Grant {
  readonly claim: string
  readonly matches: Test
  readonly scopes: readonly string[]
}

/** Which scopes the tokens of one issuer give. */
export class Grants {
  readonly #grants: readonly Grant[]
  readonly #counts: Test

  /**
   * @param mappings each with its path in the settings
   * @throws InvalidSettings for a glob that cannot be read
   */
  constructor(
    mappings: readonly (readonly [path: string, mappings: Mappings])[],
    own: readonly [path: string, globs: readonly string[]],
  ) {
    this.#counts = counting(own[0], own[1])
    this.#grants = mappings.flatMap(([path, one]) =>
      Object.entries(one).flatMap(([claim, values]) =>
        Object.entries(values).map(([glob, scopes]) => {
          return { claim, matches: compiled(`${path}.${claim}`, [glob]), scopes }
        }),
      ),
    )
  }

  /** The token's own scopes as far as they count, then those its claims are mapped to; each once. */
  of(claims: Readonly<Record<string, unknown>>): string[] {
    const scopes = new Set(ownScopes(claims).filter(this.#counts))
    for (const { claim, matches, scopes: granted } of this.#grants) {
      if (!valuesOf(claimAt(claims, claim)).some(matches)) continue
      for (const scope of granted) scopes.add(scope)
    }
    return [...scopes]
  }
}

/** What the gateway's own scopes begin with: `patchbay:admin` makes an operator. */
const OURS = 'patchbay:'

/** Which scopes of a token's own count: the gateway's only where a glob names them itself. */
function counting(path: string, globs: readonly string[]): Test {
  const any = compiled(path, globs)
  const ours = compiled(
    path,
    globs.filter((glob) => glob.startsWith(OURS)),
  )
  return (scope) => (scope.startsWith(OURS) ? ours(scope) : any(scope))
}

function compiled(path: string, globs: readonly string[]): Test {
  try {
    return matcher(globs)
  } catch (cause) {
    throw new InvalidSettings(path, (cause as Error).message, 'Mend the glob.', { cause })
  }
}

/** `scope` (RFC 8693, 4.2) and `scp`, which some issuers say in its place: a text with spaces, or a list. */
function ownScopes({ scope, scp }: Readonly<Record<string, unknown>>): string[] {
  const texts = [scope, scp].flat().filter((one) => typeof one === 'string')
  return texts.flatMap((text) => text.split(' ')).filter(Boolean)
}
