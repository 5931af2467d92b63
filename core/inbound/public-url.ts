import type { ListenConfig } from './settings.ts'

/** Addresses to listen on that are no addresses to call. */
const EVERYWHERE = new Set(['0.0.0.0', '::', '[::]'])

/**
 * Where clients reach the gateway, as its config says, without a slash at the end.
 * @returns `undefined` where only the running gateway, or its operator, can know
 */
export function publicUrlOf({
  host,
  port,
  publicUrl,
  tls,
}: Pick<ListenConfig, 'host' | 'port' | 'publicUrl' | 'tls'>): string | undefined {
  if (publicUrl !== undefined) return bare(publicUrl)
  if (port === 0 || EVERYWHERE.has(host)) return undefined
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  return bare(`${tls === undefined ? 'http' : 'https'}://${name}:${port}`)
}

/** As URLs are compared: host in lower case, no port that goes without saying. */
function bare(url: string): string {
  return new URL(url).href.replace(/\/*$/, '')
}
