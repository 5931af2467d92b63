import { type Clock, ServiceError } from '../../../sdk/index.ts'
import type { Wheel } from '../../hooks/wheel.ts'
import { MemoryKeyValue } from '../memory-key-value.ts'
import { MemoryLock } from '../memory-lock.ts'
import type { Channel } from './channel.ts'
import {
  type HubFrame,
  KEY_VALUE_METHODS,
  type Peer,
  sentError,
  type WorkerFrame,
} from './frames.ts'
import { Underway } from './underway.ts'

/** A worker as the primary knows it. */
interface Member {
  readonly peer: Peer
  readonly send: (frame: HubFrame) => void
  /** How to let go of each lock it holds or waits for, by its own number. */
  readonly locks: Map<number, () => void>
  gone: boolean
}

/** A request on its way from one worker to another. */
interface Route {
  readonly from: Member
  /** The asking worker's number. */
  readonly id: number
  readonly to: Member
}

/**
 * What the primary serves to the workers: one memory for their `KeyValue`, one line at each `Lock`, and the
 * way from every worker to every other for `Bus`. It runs none of their work itself.
 */
export class Hub {
  readonly #clock: Clock
  readonly #lock: MemoryLock
  readonly #stores = new Map<string, MemoryKeyValue>()
  readonly #members = new Map<string, Member>()
  readonly #routes = new Underway<Route>()

  constructor(clock: Clock, wheel: Wheel) {
    this.#clock = clock
    this.#lock = new MemoryLock(wheel)
  }

  /** A worker is there. @returns call it once it is gone: frees its locks, fails what others asked of it */
  join(peer: Peer, channel: Channel<HubFrame, WorkerFrame>): () => void {
    const member: Member = {
      peer,
      send: (frame) => channel.send(frame),
      locks: new Map(),
      gone: false,
    }
    this.#members.set(peer.replica, member)
    channel.receive((frame) => {
      if (!member.gone) this.#take(member, frame)
    })
    this.#tellPeers()
    return () => this.#leave(member)
  }

  /** Forgets everything. */
  close(): void {
    for (const store of this.#stores.values()) store.clear()
  }

  #leave(member: Member): void {
    if (member.gone) return
    member.gone = true
    this.#members.delete(member.peer.replica)
    for (const letGo of member.locks.values()) letGo()
    for (const [id, route] of this.#routes.all()) {
      if (route.to !== member && route.from !== member) continue
      this.#routes.take(id)
      if (route.from === member) route.to.send({ kind: 'drop', id })
      else route.from.send(unreachable(route.id, member.peer.replica))
    }
    this.#tellPeers()
  }

  #tellPeers(): void {
    const members = [...this.#members.values()]
    const peers = members.map(({ peer }) => peer).sort((a, b) => a.slot - b.slot)
    for (const { send } of members) send({ kind: 'peers', peers })
  }

  #take(member: Member, frame: WorkerFrame): void {
    switch (frame.kind) {
      case 'value':
        return this.#value(member, frame)
      case 'take':
        return void this.#hold(member, frame)
      case 'publish': {
        const { topic, text } = frame
        for (const other of this.#members.values()) {
          if (other !== member) other.send({ kind: 'heard', topic, text })
        }
        return
      }
      case 'ask':
        return this.#ask(member, frame)
      case 'drop':
        return this.#drop(member, frame.id)
      case 'said':
      case 'answer':
      case 'failed': {
        const route = this.#routes.get(frame.id)
        // Its asker may have gone, or given it up.
        if (route?.to !== member) return
        if (frame.kind !== 'said') this.#routes.take(frame.id)
        return route.from.send({ ...frame, id: route.id })
      }
    }
  }

  #value(member: Member, { id, line, method, args }: WorkerFrame & { kind: 'value' }): void {
    try {
      if (!KEY_VALUE_METHODS.includes(method)) throw new RangeError(`no method ${method}`)
      const store = this.#store(line)
      const value = Reflect.apply(store[method] as () => unknown, store, args)
      member.send({ kind: 'answer', id, value })
    } catch (cause) {
      member.send({ kind: 'failed', id, error: sentError(cause) })
    }
  }

  #store(line: string): MemoryKeyValue {
    let store = this.#stores.get(line)
    if (store === undefined) {
      store = new MemoryKeyValue(this.#clock)
      this.#stores.set(line, store)
    }
    return store
  }

  async #hold(
    member: Member,
    { id, name, ttlMs, waitMs }: WorkerFrame & { kind: 'take' },
  ): Promise<void> {
    let wanted = true
    let release: (() => void) | undefined
    member.locks.set(id, () => {
      wanted = false
      member.locks.delete(id)
      release?.()
    })
    try {
      const over = () => member.send({ kind: 'over', id })
      release = await this.#lock.acquire(name, { ttlMs, waitMs }, over)
      if (!wanted) release?.()
      else member.send({ kind: 'answer', id, value: release !== undefined })
    } catch (cause) {
      member.send({ kind: 'failed', id, error: sentError(cause) })
    }
    if (release === undefined) member.locks.delete(id)
  }

  #ask(from: Member, { id, owner, topic, text, stream }: WorkerFrame & { kind: 'ask' }): void {
    const to = this.#members.get(owner)
    if (to === undefined) return from.send(unreachable(id, owner))
    try {
      to.send({ kind: 'serve', id: this.#routes.add({ from, id, to }), topic, text, stream })
    } catch (cause) {
      from.send({ kind: 'failed', id, error: sentError(cause) })
    }
  }

  /** A worker wants no more of what it asked for. */
  #drop(member: Member, id: number): void {
    const letGo = member.locks.get(id)
    if (letGo !== undefined) return letGo()
    for (const [number, route] of this.#routes.all()) {
      if (route.from !== member || route.id !== id) continue
      this.#routes.take(number)
      return route.to.send({ kind: 'drop', id: number })
    }
  }
}

function unreachable(id: number, owner: string): HubFrame {
  const hint = 'Ask for what it held again: whoever replaced it does not know of it.'
  const error = new ServiceError('NO_REPLICA', `there is no worker ${owner}, or no longer`, hint)
  return { kind: 'failed', id, error: sentError(error) }
}
