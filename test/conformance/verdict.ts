import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import type { Check, Findings } from './suite.ts'

/** What is known to fail: `scenario` or `scenario:check` → why. */
export type Expectations = Readonly<Record<string, string>>

/** What became of one scenario. */
export type Verdict =
  | { readonly state: 'passes' }
  /** Nothing in it could be looked at. */
  | { readonly state: 'empty' }
  /** The reasons are those it was expected for; none when something in it was not expected to. */
  | { readonly state: 'fails'; readonly reasons: readonly string[] }

/** All verdicts of one run, and what is wrong with it. */
export interface Judgement {
  readonly verdicts: ReadonlyMap<string, Verdict>
  /** Unexpected failures and stale expectations, one line each. */
  readonly problems: readonly string[]
}

/** Reads an expected-failures file. @throws Error when an entry has no reason */
export function readExpectations(file: string | URL): Expectations {
  const found = (parse(readFileSync(file, 'utf8')) ?? {}) as Record<string, unknown>
  for (const [entry, why] of Object.entries(found)) {
    if (typeof why !== 'string' || why === '') throw new Error(`${file}: ${entry} has no reason`)
  }
  return found as Expectations
}

/**
 * Compares what scenarios found with what was expected, by the suite's own rules: warnings count as
 * failures; an expectation for one check leaves the others of its scenario to be met. More strictly than
 * it, malformed messages are excused by no expectation for a scenario.
 * @param scenarios those that had to run
 */
export function judge(
  scenarios: readonly string[],
  findings: Findings,
  expected: Expectations,
): Judgement {
  const problems: string[] = []
  const verdicts = new Map<string, Verdict>()
  for (const scenario of scenarios) {
    const checks = worstOfEach(findings.get(scenario) ?? [NOT_RUN])
    const reasons = new Set<string>()
    const before = problems.length
    for (const { id, status, errorMessage } of checks) {
      const whole = id === BESIDE ? undefined : expected[scenario]
      const why = expected[`${scenario}:${id}`] ?? whole
      if (!bad(status)) {
        if (status === 'SUCCESS' && `${scenario}:${id}` in expected) {
          problems.push(`${scenario}:${id} passes: take it out of the expected failures`)
        }
      } else if (why === undefined) problems.push(`${scenario}:${id} fails: ${errorMessage ?? ''}`)
      else reasons.add(why)
    }
    const fails = checks.some(({ status }) => bad(status))
    if (!fails && scenario in expected) {
      problems.push(`${scenario} passes: take it out of the expected failures`)
    }
    const passes = checks.some(({ status }) => status === 'SUCCESS')
    verdicts.set(
      scenario,
      fails
        ? { state: 'fails', reasons: problems.length > before ? [] : [...reasons] }
        : { state: passes ? 'passes' : 'empty' },
    )
  }
  for (const entry of Object.keys(expected)) {
    const [scenario = ''] = entry.split(':')
    if (!verdicts.has(scenario)) problems.push(`${entry} is expected to fail, and is not run`)
  }
  return { verdicts, problems }
}

const NOT_RUN: Check = { id: 'runs', status: 'FAILURE', errorMessage: 'it was not run' }
const SEVERITY = ['FAILURE', 'WARNING', 'SUCCESS', 'SKIPPED', 'INFO']

/** All messages against the protocol's schema, beside every scenario: alone it says nothing about one. */
const BESIDE = 'wire-schema-valid'

const bad = (status: Check['status']) => status === 'FAILURE' || status === 'WARNING'

/** One check per id: ids repeat within a scenario. */
function worstOfEach(checks: readonly Check[]): Check[] {
  const worst = new Map<string, Check>()
  const rank = ({ status }: Check) => SEVERITY.indexOf(status)
  for (const check of checks) {
    const known = worst.get(check.id)
    if (known === undefined || rank(check) < rank(known)) worst.set(check.id, check)
  }
  const all = [...worst.values()]
  const own = all.filter(({ id }) => id !== BESIDE)
  return own.some(({ status }) => status === 'SUCCESS') || all.some(({ status }) => bad(status))
    ? all
    : own
}
