import type { IncomingHttpHeaders } from 'node:http'
import type { Authenticated, AuthRequest, Bus } from '../../../sdk/index.ts'
import type { Sealer } from '../../kernel/ports.ts'
import type { Reply } from '../replies.ts'

const TOPIC = 'sse/post'
const PURPOSE = 'sse-post'
/** How long the other replica may take to accept a POST, in milliseconds. */
const PATIENCE = 10_000

/** A POST to a stream, by somebody who was let in. */
export interface SsePost {
  /** The session it names. */
  readonly id: string
  readonly text: string
  readonly who: Authenticated
  readonly auth: AuthRequest
}

/** What became of a POST. */
export type Posted =
  /** Call `go` once it was accepted. */
  | { readonly kind: 'accepted'; readonly go?: () => void }
  | { readonly kind: 'refused'; readonly reply: Reply }
  /** There is no such stream of this principal's. */
  | { readonly kind: 'unknown' }

/** What travels: the POST and its headers, sealed, because these hold credentials. */
interface Travelling {
  readonly id: string
  readonly text: string
  readonly who: Authenticated
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly remoteAddress?: string
  readonly requestId: string
}

/** Takes POSTs to the replica that holds their stream, where a plugin lets replicas speak to each other. */
export class SseRelay {
  readonly #sealer: Sealer
  readonly #bus: Pick<Bus, 'request' | 'answer'>

  /** @param take serves a POST whose stream is here */
  constructor(
    sealer: Sealer,
    bus: Pick<Bus, 'request' | 'answer'>,
    take: (post: SsePost) => Posted,
  ) {
    this.#sealer = sealer
    this.#bus = bus
    bus.answer(TOPIC, (message): Posted => {
      const sealed = (message as { sealed?: unknown } | null)?.sealed
      const facts = typeof sealed === 'string' ? sealer.open(sealed, PURPOSE) : undefined
      if (facts === undefined) return { kind: 'unknown' }
      const { id, text, who, ...request } = JSON.parse(facts) as Travelling
      const posted = take({ id, text, who, auth: { remoteAddress: undefined, ...request } })
      if (posted.kind !== 'accepted') return posted
      if (posted.go !== undefined) setImmediate(posted.go)
      return { kind: 'accepted' }
    })
  }

  /** Has another replica serve it. Rejects with ServiceError when that cannot be asked. */
  async relay(owner: string, { id, text, who, auth }: SsePost): Promise<Posted> {
    const { method, path, headers, remoteAddress, requestId } = auth
    const request = { id, text, who, method, path, headers, requestId }
    const post: Travelling = remoteAddress === undefined ? request : { ...request, remoteAddress }
    const sealed = this.#sealer.seal(JSON.stringify(post), PURPOSE)
    const options = { timeoutMs: PATIENCE }
    return (await this.#bus.request(owner, TOPIC, { sealed }, options)) as Posted
  }
}
