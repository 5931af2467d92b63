import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GatewayError, messageOf } from '../hooks/errors.ts'

const SHORTEST = 32

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
    if (!existsSync(file)) makeKey(file)
    const key = readFileSync(file, 'utf8').trim()
    // A short key is one that can be guessed: whoever has it makes sessions.
    if (key.length < SHORTEST) throw new Error('it holds no key; delete it to have one made')
    return [key]
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

/** Of two gateways that start at once, one makes the key, and the other never reads half of it. */
function makeKey(file: string): void {
  const own = `${file}.${randomBytes(6).toString('hex')}`
  writeFileSync(own, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
  try {
    linkSync(own, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(own)
  }
}
