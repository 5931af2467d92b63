import { parseArgs } from 'node:util'
import { CASES, type Case, GROUPS, type Group } from './cases.ts'
import type { Plan } from './measure.ts'

/** What the command line asks for. */
export interface Options {
  /** Measure the kernel alone, without any process besides this one. */
  readonly contract: boolean
  readonly gate: boolean
  /** With `gate`: make the budget. */
  readonly write: boolean
  /** With `gate`: show that it fails. */
  readonly slow: boolean
  readonly quick: boolean
  /** Measure other gateways instead of the cases. */
  readonly peers: boolean
  /** Measure everything, peers too, and write the files that the README shows. */
  readonly publish: boolean
  /** Write those files of the figures that are there. */
  readonly render: boolean
  /** Whether the gateway's start is measured. */
  readonly startup: boolean
  /** A file for the figures; `undefined` for none. */
  readonly json: string | undefined
  readonly plan: Plan
  readonly cases: readonly Case[]
}

const FULL: Plan = { rounds: 5, single: 8, crowd: 15, wide: 4, warm: 2_000, direct: true }
const QUICK: Plan = { rounds: 3, single: 4, crowd: 8, wide: 1, warm: 1_000, direct: true }

/** Reads the command line. Throws where it asks for what there is not. */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      contract: { type: 'boolean', default: false },
      gate: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      slow: { type: 'boolean', default: false },
      peers: { type: 'boolean', default: false },
      publish: { type: 'boolean', default: false },
      render: { type: 'boolean', default: false },
      json: { type: 'string' },
      rounds: { type: 'string' },
      tools: { type: 'string' },
      size: { type: 'string' },
    },
  })
  if ((values.write || values.slow) && !values.gate) {
    throw new Error('--write and --slow belong to --gate')
  }
  if (values.write && values.slow) throw new Error('a budget is not made with the slow plugin')
  const plan = values.quick ? QUICK : FULL
  return {
    contract: values.contract,
    gate: values.gate,
    write: values.write,
    slow: values.slow,
    quick: values.quick,
    peers: values.peers,
    publish: values.publish,
    render: values.render,
    startup: positionals.length === 0 && !values.peers,
    json: values.json,
    plan: { ...plan, rounds: whole('rounds', values.rounds ?? `${plan.rounds}`, 1) },
    cases: chosen(positionals, values.quick).map((one) => ({
      ...one,
      upstream: {
        ...(values.tools === undefined ? {} : { tools: whole('tools', values.tools, 1) }),
        ...(values.size === undefined ? {} : { size: whole('size', values.size, 64) }),
        ...one.upstream,
      },
    })),
  }
}

/** The group of a case. */
export function groupOf({ group }: Case): Group {
  return group ?? 'calls'
}

function chosen(words: readonly string[], quick: boolean): readonly Case[] {
  const known = [...Object.keys(GROUPS), ...CASES.map(({ name }) => name)]
  const unknown = words.find((word) => !known.includes(word))
  if (unknown !== undefined) {
    throw new Error(`no case or group "${unknown}". There are: ${known.join(', ')}`)
  }
  if (words.length === 0) return quick ? CASES.filter((one) => one.quick === true) : CASES
  return CASES.filter((one) => words.includes(one.name) || words.includes(groupOf(one)))
}

function whole(name: string, text: string, least: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= least) return value
  throw new Error(`--${name} ${text}: wants a whole number of at least ${least}`)
}
