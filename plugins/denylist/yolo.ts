import { type Clock, InvalidSettings } from 'mcp-patchbay/sdk'

/** Longer than this is no exception any more, in milliseconds. */
const LONGEST = 7 * 24 * 3_600_000

/** How long the list of the settings is switched off. */
export class Yolo {
  /** Milliseconds since the epoch. */
  readonly until: number
  readonly #clock: Clock

  /** @throws InvalidSettings for a date that is too far, or none */
  constructor(until: string, clock: Clock) {
    this.#clock = clock
    this.until = Date.parse(until)
    const now = clock.now()
    if (Number.isNaN(this.until)) {
      throw new InvalidSettings('yolo.until', 'is no date', 'Write it like 2027-01-31T18:00:00Z.')
    }
    if (this.until > now + LONGEST) {
      const latest = new Date(now + LONGEST).toISOString()
      const hint = `Write ${latest} at the latest, or take what need not be denied off the list.`
      throw new InvalidSettings('yolo.until', `${until} is more than seven days away`, hint)
    }
  }

  /** Whether the list is off now. */
  get isOn(): boolean {
    return this.#clock.now() < this.until
  }
}
