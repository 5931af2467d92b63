import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import { messageOf } from '../../hooks/errors.ts'
import { isRecord } from './schema-walk.ts'
import type { Report } from './upstreams.ts'

/** Refuses certificates and keys that cannot be served with. @param folder the config file's */
export function judgeTls(tls: unknown, folder: string, report: Report): void {
  if (!isRecord(tls)) return
  const texts: Record<string, Buffer> = {}
  for (const [key, file] of Object.entries(tls)) {
    if (typeof file !== 'string' || file === '') continue
    try {
      texts[key] = readFileSync(resolve(folder, file))
    } catch (error) {
      const reason = `the file cannot be read: ${(error as NodeJS.ErrnoException).code}`
      report(['listen', 'tls', key], reason, 'Mend the path; it starts at the config file.')
    }
  }
  const { cert, key } = texts
  if (cert === undefined || key === undefined) return
  try {
    createSecureContext({ cert, key })
  } catch (error) {
    const reason = `the two files make no TLS pair: ${messageOf(error)}`
    report(['listen', 'tls'], reason, 'Set a certificate chain and its own key, both PEM.')
  }
}

/** Refuses a folder for data that is none, or in which nothing can be written. Makes nothing. */
export function judgeData(data: string, report: Report): void {
  let nearest = data
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest)
  const hint = 'Set it to a folder this process may write.'
  try {
    if (!statSync(nearest).isDirectory()) {
      report(['data'], `cannot be used: ${nearest} is no folder`, hint)
      return
    }
    accessSync(nearest, constants.W_OK | constants.X_OK)
    const key = join(data, 'key')
    if (existsSync(key)) accessSync(key, constants.R_OK)
  } catch (error) {
    report(['data'], `cannot be used: ${messageOf(error)}`, hint)
  }
}
