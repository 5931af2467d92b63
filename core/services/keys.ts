import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GatewayError, messageOf } from '../kernel/errors.ts'

/**
 * The keys to seal with: the configured ones, else one made up and kept in `data`, readable by the
 * owner only, so that a restart ends no session.
 * @throws GatewayError when the folder or file cannot be used
 */
export function sealKeys(configured: readonly string[], data: string): readonly string[] {
  if (configured.length > 0) return configured
  const file = join(data, 'key')
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 })
    try {
      // `wx`: of two gateways that start at once, one makes the key and the other reads it.
      writeFileSync(file, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    return [readFileSync(file, 'utf8').trim()]
  } catch (error) {
    throw new GatewayError([
      {
        code: 'KEY_FILE',
        where: file,
        path: 'data',
        reason: `the key for sealing cannot be kept: ${messageOf(error)}`,
        hint: 'Set `data` to a folder this process may write, or set `keys`.',
      },
    ])
  }
}
