/** The gate: a small fixed set of cases, their ratios to the floor against budget.json. */

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Case, Group } from '../cases.ts'
import { measureGroup, type Place, type Plan } from '../measure.ts'
import { median } from '../report/figures.ts'
import { machine, type Row, rowsOf } from '../report/rows.ts'
import {
  ADVICE,
  ATTEMPTS,
  type Budget,
  describe,
  type Finding,
  findings,
  renewed,
} from './verdict.ts'

const FILE = fileURLToPath(new URL('../budget.json', import.meta.url))
const SLOW = fileURLToPath(new URL('../fixtures/slow-plugin.ts', import.meta.url))
const PLAN: Plan = { rounds: 1, single: 0, crowd: 60, wide: 0, warm: 1_500, direct: false }

/** What the command line asks of the gate. */
export interface GateOptions {
  /** Make the budget instead of judging by it. */
  readonly write: boolean
  /** With a plugin that wastes about a quarter of a call's time: the gate must fail. */
  readonly slow: boolean
  /** Those of them that are watched by the gate are measured. */
  readonly cases: readonly Case[]
}

/** @returns whether every case is within its budget */
export async function gate(
  { write, slow, cases: chosen }: GateOptions,
  place: Place,
): Promise<boolean> {
  const watched = chosen.filter((one) => one.gate === true)
  if (watched.length === 0) throw new Error('the gate watches none of these cases')
  const cases = slow ? watched.map(slowed) : watched
  const attempts = new Map<string, (number | null)[]>(cases.map(({ name }) => [name, []]))
  if (write) {
    for (let n = 1; n <= ATTEMPTS; n++) await attempt(cases, attempts, place)
    return writeBudget(attempts)
  }
  const budget = readBudget()
  if (budget === undefined) throw new Error(`${FILE} is missing: npm run bench -- --gate --write`)
  let found: Finding[] = []
  for (let n = 1; n <= ATTEMPTS; n++) {
    const again = n === 1 ? cases : cases.filter(({ name }) => isOver(found, name))
    if (again.length === 0) break
    if (n > 1) console.log(`again, attempt ${n} of ${ATTEMPTS}: ${again.map(({ name }) => name)}`)
    await attempt(again, attempts, place)
    found = findings(attempts, budget)
  }
  return report(found)
}

function report(found: readonly Finding[]): boolean {
  if (found.every(({ ratio }) => ratio === null)) {
    const why = 'the gate cannot measure here: CPU times are read from /proc/<pid>/task/*/schedstat'
    console.error(`NOT CHECKED: ${why}`)
    return process.env.NO_SKIPS === undefined
  }
  for (const one of found)
    console.log(`${one.state === 'within' ? 'ok  ' : 'FAIL'}  ${describe(one)}`)
  const good = found.every(({ state }) => state === 'within')
  if (!good) console.error(`\n${ADVICE}`)
  return good
}

function isOver(found: readonly Finding[], name: string): boolean {
  return found.some((one) => one.name === name && one.state === 'over')
}

async function attempt(
  cases: readonly Case[],
  attempts: ReadonlyMap<string, (number | null)[]>,
  place: Place,
): Promise<void> {
  const groups = [...new Set(cases.map(groupOf))]
  for (const group of groups) {
    const own = cases.filter((one) => groupOf(one) === group)
    const rows = rowsOf(await measureGroup(group, own, PLAN, place))
    refuseErrors(rows)
    for (const { name, cpuRatio } of rows) attempts.get(name)?.push(cpuRatio?.[0] ?? null)
  }
}

function refuseErrors(rows: readonly Row[]): void {
  const wrong = rows.find(({ errors }) => errors > 0)
  if (wrong === undefined) return
  throw new Error(`${wrong.name}: ${wrong.errors} wrong answers, the first: ${wrong.firstError}`)
}

/** Cases in front of the same upstream share a floor here. */
function groupOf({ group }: Case): Group {
  return group === undefined || group === 'plugins' ? 'calls' : group
}

function slowed(one: Case): Case {
  return { ...one, plugins: [...one.plugins, { use: SLOW }] }
}

function readBudget(): Budget | undefined {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8')) as Budget
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw cause
  }
}

/** The median of the attempts: the lowest would leave other machines no room. */
function writeBudget(attempts: ReadonlyMap<string, readonly (number | null)[]>): boolean {
  const ratios = new Map<string, number>()
  for (const [name, all] of attempts) {
    const ratio = median(all)
    if (ratio === null) {
      console.error(`${name}: no CPU times here, the budget stays as it is`)
      return false
    }
    ratios.set(name, ratio)
    console.log(`${name}: ${ratio.toFixed(2)} x floor (${all.map((one) => one?.toFixed(2))})`)
  }
  const budget = renewed(ratios, machine(), readBudget())
  writeFileSync(FILE, `${JSON.stringify(budget, null, 2)}\n`)
  console.log('wrote test/bench/budget.json')
  return true
}
