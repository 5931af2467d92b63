import type { LookupAddress } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { ServiceError } from '../../sdk/index.ts'
import type { EgressRules } from './egress-rules.ts'

/** Finds a host's addresses, as `dns.promises.lookup(host, { all: true })` does. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>

/**
 * A lookup for sockets that gives out only addresses the rules let pass: what is judged here is what is
 * connected to, however often the name changes its mind.
 * @param secure whether the connection is TLS; others only go where an operator said so
 */
export function guardedLookup(
  rules: EgressRules,
  resolve: Resolve,
  secure: boolean,
): LookupFunction {
  return (host, options, callback) => {
    resolve(host)
      .then((found) => {
        const addresses = rules.allowsHost(host) ? found : judged(rules, host, found, secure)
        const [first] = addresses
        if (first === undefined) throw new Error(`${host} has no address`)
        if (options.all === true) callback(null, [...addresses])
        else callback(null, first.address, first.family)
      })
      .catch((error: NodeJS.ErrnoException) => callback(error, '', 0))
  }
}

/**
 * Judges what needs no lookup: the scheme, credentials in the address, an address in place of a name.
 * @throws ServiceError `EGRESS_REFUSED`
 */
export function judgeUrl(rules: EgressRules, url: URL): void {
  const { protocol, origin, hostname } = url
  if (protocol !== 'https:' && protocol !== 'http:') {
    throw refused(`${protocol} is neither https nor http`, 'Use an https address.')
  }
  if (url.username !== '' || url.password !== '') {
    throw refused(`the address at ${origin} holds credentials`, 'Send them in a header.')
  }
  const host = hostname.replace(/^\[|\]$/g, '')
  const kind = isIP(host)
  if (kind !== 0) judged(rules, host, [{ address: host, family: kind }], protocol === 'https:')
}

function judged(
  rules: EgressRules,
  host: string,
  found: readonly LookupAddress[],
  secure: boolean,
): readonly LookupAddress[] {
  const reasons = found.map(({ address }) => rules.refuses(address))
  const passed = found.filter((_, index) => reasons[index] === undefined)
  const index = reasons.findIndex((reason) => reason !== undefined)
  if (passed.length === 0 && index >= 0) {
    const { address } = found[index] as LookupAddress
    const where = address === host ? host : `${host} at ${address}`
    throw refused(
      `${where} is ${reasons[index]}`,
      `If this gateway may go there, add "${host}" to \`egress.allow\` in the config.`,
    )
  }
  if (secure) return passed
  const allowed = passed.filter(({ address }) => rules.allowsAddress(address))
  if (allowed.length > 0) return allowed
  throw refused(
    `${host} is asked without TLS`,
    `Use https, or add "${host}" to \`egress.allow\` in the config.`,
  )
}

function refused(reason: string, hint: string): ServiceError {
  return new ServiceError('EGRESS_REFUSED', `the request was not sent: ${reason}`, hint)
}
