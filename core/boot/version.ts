import { readFileSync } from 'node:fs'

/** The version of this gateway, from its own package. */
export function gatewayVersion(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
}
