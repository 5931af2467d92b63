import type { Maybe, Outcome } from '../../sdk/index.ts'
import { heldIn, PausedOutcome } from './paused-call.ts'
import type { HeldCalls } from './ports.ts'

/** Nobody will answer what a paused call asks: what servers hold for it is over. */
export function giveUp(
  holds: HeldCalls | undefined,
  { paused }: PausedOutcome,
  reason: string,
): void {
  for (const handle of heldIn(paused)) holds?.release(handle, reason)
}

/**
 * Runs once if a server that holds a paused call ends it without waiting for the answer.
 * @returns whether a server holds it at all
 */
export function whenOver(
  holds: HeldCalls | undefined,
  { paused }: PausedOutcome,
  run: () => void,
): boolean {
  const held = heldIn(paused)
  for (const handle of held) holds?.whenOver(handle, run)
  return held.length > 0
}

/**
 * Runs a round of a call that servers hold. What did not come back to them, for example because it was refused,
 * is over.
 * @param held handles
 */
export async function letGo(
  holds: HeldCalls | undefined,
  held: readonly string[],
  run: () => Maybe<Outcome>,
): Promise<Outcome> {
  let kept: readonly string[] = []
  try {
    const outcome = await run()
    if (outcome instanceof PausedOutcome) kept = heldIn(outcome.paused)
    return outcome
  } finally {
    for (const handle of held) {
      if (!kept.includes(handle)) holds?.release(handle, 'the call has ended')
    }
  }
}
