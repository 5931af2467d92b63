import { ServiceError } from '../../../sdk/index.ts'
import type { Channel } from './channel.ts'
import { type HubFrame, type Peer, receivedError, type WorkerFrame } from './frames.ts'
import { Underway } from './underway.ts'

/** What a worker waits for. */
export interface Waiting {
  /** The answer; the last word, unless it is `lasting`. */
  done(value: unknown): void
  /** The last word. */
  failed(error: Error): void
  /** A message before the answer. */
  said?(text: string): void
  /** What was granted has expired. */
  over?(): void
  /** Whether it stays under way after the answer, until it is dropped. */
  readonly lasting?: boolean
}

/** What the primary asks a worker. */
export interface Asked {
  heard(topic: string, text: string): void
  serve(id: number, topic: string, text: string, stream: boolean): void
  /** Nobody waits for it any more. */
  drop(id: number): void
}

/** A worker's side of its channel to the primary: what it asked for, by number. */
export class WorkerLink {
  /** The workers that there are, by slot; this one too. */
  peers: readonly Peer[] = []
  readonly #channel: Channel<WorkerFrame, HubFrame>
  readonly #waiting = new Underway<Waiting>()
  #asked: Asked | undefined
  #closed = false

  constructor(channel: Channel<WorkerFrame, HubFrame>) {
    this.#channel = channel
    channel.receive((frame) => this.#take(frame))
  }

  /** Who answers what the primary asks. */
  serve(asked: Asked): void {
    this.#asked = asked
  }

  /** Asks the primary. @param frame made with the number that the answer will bear @returns that number */
  ask(waiting: Waiting, frame: (id: number) => WorkerFrame): number {
    if (this.#closed) {
      waiting.failed(gone())
      return -1
    }
    const id = this.#waiting.add(waiting)
    this.send(frame(id))
    return id
  }

  /** It wants no more of that; of a lock, it lets go. */
  drop(id: number): void {
    if (this.#waiting.take(id) !== undefined) this.send({ kind: 'drop', id })
  }

  send(frame: WorkerFrame): void {
    if (!this.#closed) this.#channel.send(frame)
  }

  /** The primary is gone: whatever was asked of it fails. Idempotent. */
  close(): void {
    this.#closed = true
    for (const [id, { over, failed }] of this.#waiting.all()) {
      this.#waiting.take(id)
      over?.()
      failed(gone())
    }
  }

  #take(frame: HubFrame): void {
    switch (frame.kind) {
      case 'heard':
        return this.#asked?.heard(frame.topic, frame.text)
      case 'serve':
        return this.#asked?.serve(frame.id, frame.topic, frame.text, frame.stream)
      case 'drop':
        return this.#asked?.drop(frame.id)
      case 'peers':
        this.peers = frame.peers
        return
      case 'said':
        return this.#waiting.get(frame.id)?.said?.(frame.text)
      case 'over':
        return this.#waiting.get(frame.id)?.over?.()
      case 'failed':
        return this.#waiting.take(frame.id)?.failed(receivedError(frame.error))
      case 'answer': {
        const waiting = this.#waiting.get(frame.id)
        if (waiting?.lasting !== true) this.#waiting.take(frame.id)
        return waiting?.done(frame.value)
      }
    }
  }
}

function gone(): ServiceError {
  const hint = 'Whatever runs the gateway starts it again.'
  return new ServiceError('PRIMARY_GONE', 'the process that joins the workers is gone', hint)
}
