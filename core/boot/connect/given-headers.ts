import { GatewayError, type Problem } from '../../hooks/errors.ts'
import { resolveReferences } from '../config/references.ts'

/** Headers as they are sent, and what in them must never be told. */
export interface GivenHeaders {
  readonly headers: Readonly<Record<string, string>>
  readonly secrets: readonly string[]
}

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/
/** Visible text, and blanks within it (RFC 9110, 5.5). */
const VALUE = /^[!-~\u0080-\u00ff](?:[\t -~\u0080-\u00ff]*[!-~\u0080-\u00ff])?$/
/** Written by the transport, whatever anybody says. */
const OURS =
  /^(?:accept|connection|content-length|content-type|host|last-event-id|transfer-encoding|mcp-.*)$/

/**
 * Reads `Name: value` of the command line; `${NAME}` and `${file:…}` keep secrets out of clients' settings.
 * @throws GatewayError with every problem there is
 */
export function givenHeaders(
  given: readonly string[],
  env: Readonly<Record<string, string | undefined>> = process.env,
): GivenHeaders {
  const problems: Problem[] = []
  const headers: Record<string, string> = {}
  const secrets: string[] = []
  for (const [i, one] of given.entries()) {
    const colon = one.indexOf(':')
    const name = one.slice(0, Math.max(colon, 0)).trim()
    const add = (reason: string, hint: string) =>
      problems.push({
        code: 'HEADER',
        path: `--header ${TOKEN.test(name) ? name : i + 1}`,
        reason,
        hint,
      })
    if (!TOKEN.test(name)) {
      add('is no header', 'Write `--header "Name: value"`.')
      continue
    }
    if (OURS.test(name.toLowerCase())) {
      add('is written by the transport itself', 'Leave it out.')
      continue
    }
    const found = resolveReferences(one.slice(colon + 1).trim(), { env, folder: process.cwd() })
    for (const { reason, hint } of found.problems) add(reason, hint)
    if (found.problems.length > 0) continue
    // What stands there may be a secret.
    if (!VALUE.test(found.text)) add('has a value that no header can have', 'Use visible text.')
    headers[name.toLowerCase()] = found.text
    secrets.push(...found.values)
  }
  if (problems.length > 0) throw new GatewayError(problems)
  return { headers, secrets }
}
