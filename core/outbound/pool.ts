import type { Maybe } from '../../sdk/index.ts'
import type { Asker } from './asker.ts'
import { ConnectError, type Link } from './link.ts'

const MOST = 100
const IDLE = 10 * 60_000

interface Slot {
  link: Link | undefined
  opening: Promise<Link> | undefined
  lastUsed: number
}

/** The open links of one upstream, by whom they serve. */
export class LinkPool {
  readonly #slots = new Map<string, Slot>()
  readonly #open: (key: string, asker: Asker | undefined) => Promise<Link>
  readonly #now: () => number
  #closed = false

  /**
   * @param open opens the link for a key, for whoever needs it first
   * @param now milliseconds that only grow
   */
  constructor(open: (key: string, asker: Asker | undefined) => Promise<Link>, now: () => number) {
    this.#open = open
    this.#now = now
  }

  /** The link of that key, opened once however many wait for it. @throws ConnectError, or rejects with it */
  get(key: string, asker?: Asker): Maybe<Link> {
    const slot = this.#slot(key)
    slot.lastUsed = this.#now()
    return slot.link ?? slot.opening ?? this.#fill(key, slot, asker)
  }

  /** The link of that key, if one is open. */
  peek(key: string): Link | undefined {
    return this.#slots.get(key)?.link
  }

  /** That link is of no more use: the next `get` opens another. Calls it still carries go on. */
  drop(link: Link): void {
    for (const [key, slot] of this.#slots) if (slot.link === link) this.#slots.delete(key)
  }

  /** Closes links that nobody has used for ten minutes, `kept` excepted. */
  async sweep(kept: string): Promise<void> {
    for (const [key, slot] of this.#slots) {
      if (key !== kept && slot.lastUsed + IDLE < this.#now()) await this.#evict(key, slot)
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

  #slot(key: string): Slot {
    let slot = this.#slots.get(key)
    if (slot === undefined) {
      if (this.#closed) throw new ConnectError('the gateway is stopping')
      if (this.#slots.size >= MOST) this.#makeRoom()
      slot = { link: undefined, opening: undefined, lastUsed: 0 }
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
    const idle = [...this.#slots]
      .filter(([, { link }]) => link !== undefined && link.open === 0)
      .sort(([, a], [, b]) => a.lastUsed - b.lastUsed)[0]
    if (idle === undefined) throw new ConnectError(`all of its ${MOST} connections are busy`)
    void this.#evict(...idle)
  }

  async #evict(key: string, { link }: Slot): Promise<void> {
    if (link === undefined || link.open > 0) return
    this.#slots.delete(key)
    await link.close()
  }
}
