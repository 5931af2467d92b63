import type { Outgoing, Ticket, Waiter } from './link.ts'
import type { ListenReader } from './listened-updates.ts'

/** Who is told that a request on a pipe is no longer wanted. */
export interface RequestOwner {
  cancel(request: PipeRequest, reason: string): void
}

/** One request on a pipe, until it is answered. */
export class PipeRequest implements Ticket {
  /** Set by {@link OpenRequests}. */
  id = -1
  /** Credentials and forwarded headers, where the pipe has headers. */
  readonly headers: Outgoing['headers']
  /** Who reads what a modern server says to a listen request, which is no call. */
  readonly reader: ListenReader | undefined
  waiter: Waiter
  readonly #owner: RequestOwner

  constructor(
    owner: RequestOwner,
    waiter: Waiter,
    headers: Outgoing['headers'],
    reader: ListenReader | undefined,
  ) {
    this.#owner = owner
    this.waiter = waiter
    this.headers = headers
    this.reader = reader
  }

  handOver(waiter: Waiter): void {
    this.waiter = waiter
  }

  cancel(reason: string): void {
    this.#owner.cancel(this, reason)
  }
}

/** How many places there are at first: a power of two, as it stays. */
const PLACES = 16

/**
 * The requests on a pipe that are open, by id. Each has the place that the last bits of its id say: a `Map` that every
 * call changes makes new tables all the time, and the dead ones hold what was in them (see `hooks/slots.ts`).
 */
export class OpenRequests {
  #places: (PipeRequest | undefined)[] = new Array(PLACES).fill(undefined)
  #next = 1
  #size = 0
  #listens = 0

  /** How many of them are calls. */
  get calls(): number {
    return this.#size - this.#listens
  }

  /** Takes a request in and gives it an id, which no other has had. */
  add(request: PipeRequest): void {
    if (2 * ++this.#size > this.#places.length) this.#grow()
    if (request.reader !== undefined) this.#listens++
    // The id of a place where one is still open is passed over: ids need only differ.
    while (this.#places[this.#placeOf(this.#next)] !== undefined) this.#next++
    request.id = this.#next++
    this.#places[this.#placeOf(request.id)] = request
  }

  /** @param id as a server wrote it */
  get(id: unknown): PipeRequest | undefined {
    const found = this.#places[this.#placeOf(id as number)]
    return found?.id === id ? found : undefined
  }

  /** @returns whether it was open */
  delete(request: PipeRequest): boolean {
    if (this.get(request.id) !== request) return false
    this.#places[this.#placeOf(request.id)] = undefined
    this.#size--
    if (request.reader !== undefined) this.#listens--
    return true
  }

  /** Those that are open now. */
  all(): PipeRequest[] {
    return this.#places.filter((one) => one !== undefined)
  }

  #placeOf(id: number): number {
    return id & (this.#places.length - 1)
  }

  #grow(): void {
    const open = this.all()
    this.#places = new Array(2 * this.#places.length).fill(undefined)
    for (const one of open) this.#places[this.#placeOf(one.id)] = one
  }
}
