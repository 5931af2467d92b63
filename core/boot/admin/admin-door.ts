import type { Logger } from 'pino'
import type { AdminSite } from './admin.ts'

/** The admin door of a running gateway. */
export interface AdminDoor {
  readonly url: string
  close(): Promise<void>
}

/**
 * Opens the admin door, if there is to be one. Of several workers the first has it, and asks the others.
 * @throws GatewayError when its port or its files cannot be had
 */
export async function adminDoor(site: AdminSite, log: Logger): Promise<AdminDoor | undefined> {
  const { config, inbound, seat } = site
  const isOther = seat !== undefined && seat.slot > 0
  if (config.admin !== undefined) {
    // Nobody who has switched it off waits for it to be loaded.
    const { answerDoor, openAdmin } = await import('./admin.ts')
    if (isOther) {
      answerDoor(site)
      return undefined
    }
    return openAdmin(config.admin, site)
  }
  for (const { plugin, route } of isOther ? [] : inbound.adminRoutes) {
    log.warn({ plugin }, `${route.method} ${route.path} is not served: there is no admin door`)
  }
  return undefined
}
