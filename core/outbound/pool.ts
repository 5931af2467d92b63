import type { Maybe, Principal } from '../../sdk/index.ts'
import type { Asker } from './asker.ts'
import { ConnectError, type Link } from './link.ts'

/** How many links an upstream may have, and how long one may be unused, in milliseconds. */
export interface PoolLimits {
  readonly maxSessions: number
  readonly sessionIdle: number
}

/** Whose link it is. */
export type Owner = Pick<Principal, 'issuer' | 'subject'>

interface Slot {
  /** Who needed it first; nobody where it is the gateway's own. */
  readonly owner: Owner | undefined
  link: Link | undefined
  opening: Promise<Link> | undefined
  lastUsed: number
}

/** The open links of one upstream, by whom they serve. */
export class LinkPool {
  readonly #slots = new Map<string, Slot>()
  readonly #open: (key: string, asker: Asker | undefined) => Promise<Link>
  readonly #now: () => number
  readonly #kept: string
  readonly #limits: PoolLimits
  #closed = false

  /**
   * @param open opens the link for a key, for whoever needs it first
   * @param now milliseconds that only grow
   * @param kept the key of the gateway's own link, which is not counted and never gives way
   */
  constructor(
    open: (key: string, asker: Asker | undefined) => Promise<Link>,
    now: () => number,
    kept: string,
    limits: PoolLimits,
  ) {
    this.#open = open
    this.#now = now
    this.#kept = kept
    this.#limits = limits
  }

  /** The link of that key, opened once however many wait for it. @throws ConnectError, or rejects with it */
  get(key: string, asker?: Asker): Maybe<Link> {
    const slot = this.#slot(key, asker)
    slot.lastUsed = this.#now()
    return slot.link ?? slot.opening ?? this.#fill(key, slot, asker)
  }

  /** The link of that key for a call, if one is open. */
  use(key: string): Link | undefined {
    const slot = this.#slots.get(key)
    if (slot?.link === undefined) return undefined
    slot.lastUsed = this.#now()
    return slot.link
  }

  /** The link of that key, if one is open. */
  peek(key: string): Link | undefined {
    return this.#slots.get(key)?.link
  }

  /** That link is of no more use: the next `get` opens another. Calls it still carries go on. */
  drop(link: Link): void {
    for (const [key, slot] of this.#slots) if (slot.link === link) this.#slots.delete(key)
  }

  /** The links that one principal needed first end with their calls: who comes back gets others. */
  forget({ issuer, subject }: Owner): void {
    for (const [key, { owner, link, opening }] of this.#slots) {
      if (owner?.issuer !== issuer || owner.subject !== subject) continue
      this.#slots.delete(key)
      link?.retire()
      // Those who wait for it use it first.
      opening?.then((opened) => opened.retire()).catch(() => {})
    }
  }

  /** Closes links that nobody has used for too long, and none with a call on it. */
  async sweep(): Promise<void> {
    for (const [key, slot] of this.#slots) {
      if (key !== this.#kept && slot.lastUsed + this.#limits.sessionIdle < this.#now())
        await this.#evict(key, slot)
    }
  }

  /** Closes every link. What is still opening is closed as soon as it is open. */
  async close(): Promise<void> {
    this.#closed = true
    const slots = [...this.#slots.values()]
    this.#slots.clear()
    await Promise.all(
      slots.map(async ({ link, opening }) =>
        (link ?? (await opening?.catch(() => undefined)))?.close(),
      ),
    )
  }

  #slot(key: string, asker: Asker | undefined): Slot {
    let slot = this.#slots.get(key)
    if (slot === undefined) {
      if (this.#closed) throw new ConnectError('the gateway is stopping')
      const own = key === this.#kept
      if (!own) this.#makeRoom()
      const owner = own ? undefined : asker?.caller?.principal
      slot = { owner, link: undefined, opening: undefined, lastUsed: 0 }
      this.#slots.set(key, slot)
    }
    return slot
  }

  #fill(key: string, slot: Slot, asker: Asker | undefined): Promise<Link> {
    slot.opening = this.#open(key, asker).then(
      (link) => {
        slot.opening = undefined
        slot.link = link
        return link
      },
      (error: unknown) => {
        slot.opening = undefined
        if (this.#slots.get(key) === slot) this.#slots.delete(key)
        throw error
      },
    )
    return slot.opening
  }

  /** The longest idle link gives way; one with a call in flight never does. */
  #makeRoom(): void {
    const most = this.#limits.maxSessions
    const own = this.#slots.has(this.#kept) ? 1 : 0
    if (this.#slots.size - own < most) return
    const idle = [...this.#slots]
      .filter(([key, { link }]) => key !== this.#kept && link !== undefined && !isBusy(link))
      .sort(([, a], [, b]) => a.lastUsed - b.lastUsed)[0]
    if (idle === undefined) {
      throw new ConnectError(
        `all of its ${most} sessions are busy; its \`maxSessions\` allows no more`,
      )
    }
    void this.#evict(...idle)
  }

  async #evict(key: string, { link }: Slot): Promise<void> {
    if (link === undefined || isBusy(link)) return
    this.#slots.delete(key)
    await link.close()
  }
}

/** Whether somebody waits for what it carries, or is told of resources on it. */
function isBusy({ open, subscriptions }: Link): boolean {
  return open > 0 || subscriptions > 0
}
