import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GatewayError, messageOf } from '../../hooks/errors.ts'
import type { Node } from '../config/schema-walk.ts'

const TOKEN = 'admin-token'
const ADDRESS = 'admin.json'

/** Where a running gateway's admin door is, and what opens it. */
export interface AdminAddress {
  readonly url: string
  readonly token: string
  /** The config file it runs; absolute. */
  readonly config?: string
  /** Its process; of several workers, the one that is signalled. */
  readonly pid?: number
}

/**
 * Writes where the admin door is and the local operator's token into the data folder, readable by the
 * owner only: whoever can read them may use the door.
 * @throws GatewayError when the folder cannot be written
 */
export function writeAdminFiles(
  data: string,
  { url, token, config, pid = process.pid }: AdminAddress,
): void {
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 })
    replace(join(data, TOKEN), `${token}\n`)
    replace(join(data, ADDRESS), `${JSON.stringify({ url, pid, config })}\n`)
  } catch (error) {
    throw new GatewayError([
      {
        code: 'ADMIN_FILES',
        where: data,
        path: 'data',
        reason: `the admin door's address and token cannot be kept: ${messageOf(error)}`,
        hint: 'Set `data` to a folder this process may write, or set `admin: false`.',
      },
    ])
  }
}

/** Where the gateway that keeps its data here can be reached; `undefined` when none runs. */
export function readAdminFiles(data: string): AdminAddress | undefined {
  try {
    const { url, pid, config } = JSON.parse(readFileSync(join(data, ADDRESS), 'utf8')) as Node
    const token = readFileSync(join(data, TOKEN), 'utf8').trim()
    if (typeof url !== 'string' || token === '') return undefined
    return {
      url,
      token,
      ...(typeof config === 'string' ? { config } : {}),
      ...(typeof pid === 'number' ? { pid } : {}),
    }
  } catch {
    return undefined
  }
}

/** Takes both away, unless another gateway has written its own there since. Never throws. */
export function removeAdminFiles(data: string, token: string): void {
  if (readAdminFiles(data)?.token !== token) return
  for (const name of [ADDRESS, TOKEN]) rmSync(join(data, name), { force: true })
}

/** Nobody reads half of it, and what stood there before lends it no rights. */
function replace(file: string, text: string): void {
  const own = `${file}.${randomBytes(6).toString('hex')}`
  writeFileSync(own, text, { mode: 0o600, flag: 'wx' })
  try {
    renameSync(own, file)
  } catch (error) {
    rmSync(own, { force: true })
    throw error
  }
}
