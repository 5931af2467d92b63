import type { Ask, Outcome, Target } from '../../sdk/index.ts'
import { nounOf } from '../hooks/errors.ts'
import type { Listener } from '../hooks/hooks.ts'
import { denialOf, isDenial, resultOf } from '../hooks/returned.ts'
import { isObject } from '../wire/json.ts'
import { PausedOutcome } from './paused-call.ts'
import type { Round } from './round.ts'

/**
 * Takes a shaper's verdict on a call.
 * @returns the denial or the answer; `undefined` after a change
 * @throws TypeError for anything a shaper may not return
 */
export function applyShape(
  round: Pick<Round, 'method' | 'candidates' | 'args' | 'retarget'>,
  plugin: string,
  verdict: unknown,
): Outcome | undefined {
  const { kind, args, target, result } = verdict as Record<string, unknown>
  if (kind === 'denial') return denialOf(plugin, verdict)
  if (kind === 'answer') {
    const said = resultOf(round.method, result)
    return { kind: 'result', result: said, source: 'plugin', executed: false }
  }
  if (kind !== 'change') {
    const said = nounOf(verdict)
    throw new TypeError(`a shaper may only change, answer, ask or deny, not return ${said}`)
  }
  if (args !== undefined && !isObject(args)) {
    throw new TypeError('changed the arguments to something that is not an object')
  }
  if (target !== undefined) {
    const { upstream, name } = target as Target
    const found = round.candidates.find((one) => one.upstream === upstream && one.name === name)
    if (found === undefined)
      throw new TypeError('changed the target to one that is not a candidate')
    round.retarget(found)
  }
  if (args !== undefined) round.args = args
  return undefined
}

/** Whether a plugin wants to ask. */
export function isAsk(verdict: unknown): verdict is Ask {
  return (verdict as { kind?: unknown } | undefined)?.kind === 'ask'
}

/** Takes a guard's verdict. @throws TypeError for anything but a denial */
export function applyGuard(plugin: string, verdict: unknown): Outcome {
  if ((verdict as { kind?: unknown }).kind !== 'denial')
    throw new TypeError(`a guard may only ask or deny, not return ${nounOf(verdict)}`)
  return denialOf(plugin, verdict)
}

/** What a plugin may make of an outcome. Never whether the upstream did the work. @throws TypeError */
export function acceptOutcome(
  { plugin }: Listener<'afterCall'>,
  before: Outcome,
  verdict: Outcome | undefined | null,
): Outcome {
  if (verdict === undefined || verdict === null || verdict === before) return before
  if (before.kind === 'cancelled' || before.kind === 'question') return before
  const { executed } = before
  if (verdict.kind === 'denial') return { ...denialOf(plugin, verdict), executed }
  const { kind } = verdict
  if ((kind === 'failure' || kind === 'result') && isOutcome(verdict)) {
    return { ...verdict, executed }
  }
  throw new TypeError('returned something that is not an outcome')
}

/** Whether a value is an outcome that can be told. */
export function isOutcome(value: unknown): value is Outcome {
  if (!isObject(value)) return false
  const { kind, result, code, message, hint } = value
  if (kind === 'result') return isObject(result)
  if (kind === 'failure') return [code, message, hint].every((one) => typeof one === 'string')
  if (kind === 'question') return value instanceof PausedOutcome || isObject(value.missing)
  return kind === 'cancelled' || isDenial(value)
}
