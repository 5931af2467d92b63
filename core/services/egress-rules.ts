import { BlockList, isIP } from 'node:net'

/** Networks that are not the internet, by the names people know them by (IANA special-purpose registries). */
const SPECIAL: readonly (readonly [network: string, name: string])[] = [
  ['0.0.0.0/8', 'this network'],
  ['10.0.0.0/8', 'a private network'],
  ['100.64.0.0/10', 'a shared network'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link-local'],
  ['172.16.0.0/12', 'a private network'],
  ['192.0.0.0/24', 'reserved'],
  ['192.0.2.0/24', 'reserved'],
  ['192.88.99.0/24', 'reserved'],
  ['192.168.0.0/16', 'a private network'],
  ['198.18.0.0/15', 'reserved'],
  ['198.51.100.0/24', 'reserved'],
  ['203.0.113.0/24', 'reserved'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved'],
  ['::1/128', 'loopback'],
  ['fc00::/7', 'a private network'],
  ['fe80::/10', 'link-local'],
  ['ff00::/8', 'multicast'],
  ['2001::/23', 'reserved'],
  ['2001:db8::/32', 'reserved'],
  // Holds an IPv4 address that would be reached behind our back.
  ['2002::/16', 'a tunnel'],
  ['3fff::/20', 'reserved'],
]

/** All that is the internet in IPv6, but for what is named above; IPv4 written as IPv6 is outside. */
const GLOBAL_V6 = '2000::/3'

/** Where requests may go besides the internet. */
export class EgressRules {
  readonly #hosts = new Set<string>()
  readonly #networks = new BlockList()
  readonly #special = SPECIAL.map(([network, name]) => ({ network, name, list: listOf(network) }))
  readonly #global = listOf(GLOBAL_V6)

  /**
   * @param allow addresses, networks (`10.0.0.0/8`) and host names
   * @throws RangeError for an entry that is none of them
   */
  constructor(allow: readonly string[]) {
    for (const entry of allow) {
      const reason = whyNotEgress(entry)
      if (reason !== undefined) throw new RangeError(`egress.allow: ${entry} ${reason}`)
      if (isNetwork(entry)) addNetwork(this.#networks, entry)
      else this.#hosts.add(hostOf(entry))
    }
  }

  /** Whether an operator named this host: then its addresses are not judged. */
  allowsHost(host: string): boolean {
    return this.#hosts.has(hostOf(host))
  }

  /** Whether an operator named this address or its network. */
  allowsAddress(address: string): boolean {
    return this.#networks.check(address, family(address))
  }

  /** What an address is instead of the internet, if an operator has not allowed it; `undefined`: go on. */
  refuses(address: string): string | undefined {
    if (this.allowsAddress(address)) return undefined
    const kind = family(address)
    // An IPv4 address in IPv6 clothes is found in the lists of IPv4 too.
    const special = this.#special.find(({ list }) => list.check(address, kind))
    if (special !== undefined) return `${special.name} (${special.network})`
    if (kind === 'ipv6' && !this.#global.check(address, kind)) return 'not on the internet'
    return undefined
  }
}

/** What is wrong with an entry of `egress.allow`; `undefined` when nothing is. */
export function whyNotEgress(entry: string): string | undefined {
  if (isNetwork(entry)) {
    const [address = '', bits] = entry.split('/')
    const most = isIP(address) === 4 ? 32 : 128
    if (isIP(address) === 0) return 'is no network: its address cannot be read'
    if (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= most)) {
      return `is no network: after the slash stands a number from 0 to ${most}`
    }
    return undefined
  }
  return /^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/.test(entry)
    ? undefined
    : 'is neither an address, nor a network like 10.0.0.0/8, nor a host name'
}

/** A host as names are compared: lower case, no brackets, no final dot. */
function hostOf(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
}

function isNetwork(entry: string): boolean {
  return entry.includes('/') || isIP(entry) !== 0
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6'
}

function listOf(network: string): BlockList {
  const list = new BlockList()
  addNetwork(list, network)
  return list
}

function addNetwork(list: BlockList, network: string): void {
  const [address = '', bits] = network.split('/')
  const most = isIP(address) === 4 ? 32 : 128
  list.addSubnet(address, bits === undefined ? most : Number(bits), family(address))
}
