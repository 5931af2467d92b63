import { Batches, type Channel } from '../../services/workers/channel.ts'

/** A channel whose frames travel among other messages between two processes. */
export class FrameChannel<Out, In> implements Channel<Out, In> {
  readonly #batches: Batches<Out>
  #take: ((frame: In) => void) | undefined
  /** What came before anybody could be told. */
  #early: In[] = []

  /** @param write sends several frames as one message; must not throw */
  constructor(write: (frames: readonly Out[]) => void) {
    this.#batches = new Batches(write)
  }

  send(frame: Out): void {
    this.#batches.add(frame)
  }

  receive(take: (frame: In) => void): void {
    this.#take = take
    for (const frame of this.#early.splice(0)) take(frame)
  }

  /** A message with frames has come. */
  arrived(frames: readonly In[]): void {
    if (this.#take === undefined) this.#early.push(...frames)
    else for (const frame of frames) this.#take(frame)
  }
}
