import { realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { GatewayError } from '../../hooks/errors.ts'
import { shownPath } from '../config/config-file.ts'
import { isRecord } from '../config/schema-walk.ts'
import type { GatewayConfig } from '../config/settings.ts'
import { type AdminAddress, readAdminFiles } from './admin-files.ts'

const PATIENCE = 5_000

/**
 * Two gateways cannot share a data folder: the second would take the first one's place in it. What a gateway
 * that was killed left there is in nobody's way.
 * @throws GatewayError (as a rejection) when a gateway runs that keeps its data where this config does
 */
export async function refuseOccupied({ file, data }: GatewayConfig): Promise<void> {
  const address = readAdminFiles(data)
  if (address === undefined || !(await isRunning(address))) return
  const { config = 'another config', pid } = address
  const whose = isSameFile(config, file) ? 'this file already' : shownPath(config)
  throw new GatewayError([
    {
      code: 'DATA_IN_USE',
      where: shownPath(file),
      path: 'data',
      reason: `${shownPath(data)} is in use by a gateway that runs ${whose} (process ${pid})`,
      hint: 'Stop that gateway, or give this config a `data` folder of its own.',
    },
  ])
}

/**
 * Whether a gateway answers where admin files say that there is one.
 * @param patience milliseconds that it has to say so
 */
export async function isRunning(
  { url, token, pid }: AdminAddress,
  patience = PATIENCE,
): Promise<boolean> {
  try {
    const response = await fetch(`${url}/status`, {
      redirect: 'error',
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(patience),
    })
    const page: unknown = await response.json()
    // Something else may listen there by now; it does not know the token.
    return response.ok && isRecord(page) && 'schema' in page
  } catch (cause) {
    // One that hangs runs all the same.
    return (cause as Error).name === 'TimeoutError' && pid !== undefined && isProcess(pid)
  }
}

/** Whether two paths are one file, also through links. */
export function isSameFile(one: string, other: string): boolean {
  if (resolve(one) === resolve(other)) return true
  try {
    return realpathSync(one) === realpathSync(other)
  } catch {
    return false
  }
}

function isProcess(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
