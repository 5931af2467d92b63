import type { Upstreams } from 'mcp-patchbay/sdk'

/** What is known of the upstreams: asked once, and again after one has changed its state. */
export class UpstreamFacts {
  readonly #upstreams: Upstreams
  readonly #known = new Map<string, Readonly<Record<string, string>>>()

  constructor(upstreams: Upstreams) {
    this.#upstreams = upstreams
  }

  /** The attributes that tell an upstream and its server. */
  of(id: string): Readonly<Record<string, string>> {
    const known = this.#known.get(id)
    if (known !== undefined) return known
    const labels = this.#ask(id)
    this.#known.set(id, labels)
    return labels
  }

  /** It may be another server now, or speak another revision. */
  forget(id: string): void {
    this.#known.delete(id)
  }

  #ask(id: string): Record<string, string> {
    const address = this.#upstreams.address(id)
    const { protocolVersion } = this.#upstreams.status()[id] ?? {}
    return {
      'patchbay.upstream': id,
      ...(protocolVersion === undefined ? {} : { 'mcp.protocol.version': protocolVersion }),
      ...(address === undefined
        ? { 'network.transport': 'pipe' }
        : {
            'network.transport': 'tcp',
            'network.protocol.name': 'http',
            'server.address': address.host,
            'server.port': String(address.port),
          }),
    }
  }
}
