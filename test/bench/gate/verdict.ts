/** What the gate makes of measured ratios: no clock, no process. */

/** What a case may cost. */
export interface Allowance {
  /** CPU per call divided by the floor's. */
  readonly ratio: number
  /** How much more is put down to noise and other machines: 0.12 is 12 %. */
  readonly excess: number
}

/** The content of budget.json. */
export interface Budget {
  /** The command that makes this file. */
  readonly made: string
  /** Where and when the ratios were taken. */
  readonly machine: Readonly<Record<string, string>>
  readonly cases: Readonly<Record<string, Allowance>>
}

/** What the gate says of one case. */
export interface Finding {
  readonly name: string
  /** The lowest of its attempts: a regression is in all of them, a disturbance is not. */
  readonly ratio: number | null
  readonly allowance: Allowance | undefined
  readonly state: 'within' | 'over' | 'unknown'
}

/** How often a case that is over its budget is measured, with new processes each time. */
export const ATTEMPTS = 3

/** What is put down to noise where nothing else is said: see the gate's figures in run.ts. */
export const EXCESS = 0.12

/** Judges cases by all their attempts. A case without a ratio or without a budget is `unknown`. */
export function findings(
  attempts: ReadonlyMap<string, readonly (number | null)[]>,
  budget: Budget,
): Finding[] {
  return [...attempts].map(([name, ratios]) => {
    const known = ratios.filter((ratio) => ratio !== null)
    const ratio = known.length === 0 ? null : Math.min(...known)
    const allowance = budget.cases[name]
    if (ratio === null || allowance === undefined) {
      return { name, ratio, allowance, state: 'unknown' }
    }
    return { name, ratio, allowance, state: ratio > limitOf(allowance) ? 'over' : 'within' }
  })
}

/** The highest ratio that passes. */
export function limitOf({ ratio, excess }: Allowance): number {
  return ratio * (1 + excess)
}

/** One line for each case. */
export function describe({ name, ratio, allowance, state }: Finding): string {
  const figure = ratio === null ? 'not measured' : `${ratio.toFixed(2)} x floor`
  if (allowance === undefined) {
    return `${name}: ${figure}, and budget.json has no budget for it: npm run bench -- --gate --write`
  }
  const allowed = `budget ${allowance.ratio.toFixed(2)}, at most ${limitOf(allowance).toFixed(2)}`
  if (state === 'within') return `${name}: ${figure} (${allowed})`
  if (ratio === null) return `${name}: ${figure} (${allowed})`
  const more = ((ratio / allowance.ratio - 1) * 100).toFixed(0)
  return `${name}: ${figure}, ${more} % over its budget (${allowed})`
}

/** What to do when a case is over. */
export const ADVICE = [
  'A call costs more CPU than test/bench/budget.json allows, in every attempt.',
  'See where the time goes: npm run bench -- <case>, and node --cpu-prof for the gateway of that case.',
  'If the cost is wanted, say so in the commit and renew the budget: npm run bench -- --gate --write',
].join('\n')

/**
 * A budget made of measured ratios, with the allowances of the last one, and its cases where
 * only some were measured.
 */
export function renewed(
  ratios: ReadonlyMap<string, number>,
  machine: Budget['machine'],
  last: Budget | undefined,
): Budget {
  const cases = [...ratios].map(([name, ratio]): [string, Allowance] => [
    name,
    { ratio: Math.round(ratio * 1000) / 1000, excess: last?.cases[name]?.excess ?? EXCESS },
  ])
  const all = { ...last?.cases, ...Object.fromEntries(cases) }
  return { made: 'npm run bench -- --gate --write', machine, cases: all }
}
