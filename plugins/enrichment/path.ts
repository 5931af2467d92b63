import { isRawNumber } from './exact.ts'

/** Where a path begins: what was sent, what was answered, who calls, or what a source answered. */
export type Root = 'args' | 'result' | 'principal' | 'answer'

/** A member's name, or a place in a list. */
export type Step = string | number

/** A path, ready to follow. */
export interface Path {
  readonly root: Root
  readonly steps: readonly Step[]
  /** As it stands in the settings. */
  readonly text: string
}

const ROOTED = /^[a-z]+/
const STEP = /\.([^.[\]{}'"\s]+)|\[(0|[1-9]\d{0,8})\]|\['([^']+)'\]/y
const DEEPEST = 32

/**
 * Reads a path: `result.items[0].name`, `args['odd key']`.
 * @param roots where it may begin
 * @throws Error that says what is wrong with it
 */
export function parsePath(text: string, roots: readonly Root[]): Path {
  const word = ROOTED.exec(text)?.[0] ?? ''
  const root = roots.find((one) => one === word)
  if (root === undefined) {
    throw new Error(`"${text}" does not begin with ${roots.map((one) => `\`${one}\``).join(', ')}`)
  }
  const steps: Step[] = []
  STEP.lastIndex = word.length
  while (STEP.lastIndex < text.length) {
    const at = STEP.lastIndex
    const found = STEP.exec(text)
    if (found === null) throw new Error(`"${text}" cannot be read from "${text.slice(at)}" on`)
    const [, name, index, quoted] = found
    steps.push(index === undefined ? ((name ?? quoted) as string) : Number(index))
  }
  if (steps.length > DEEPEST) throw new Error(`"${text}" is deeper than ${DEEPEST}`)
  return { root, steps, text }
}

/** What is at the end of the steps; `undefined` when there is nothing. Only own members count. */
export function readSteps(value: unknown, steps: readonly Step[]): unknown {
  let at = value
  for (const step of steps) {
    if (typeof step === 'number' ? !Array.isArray(at) : !isObject(at)) return undefined
    if (!Object.hasOwn(at as object, step)) return undefined
    at = (at as Record<Step, unknown>)[step]
  }
  return at
}

/**
 * Whether something can be written there: what lies on the way is an object, a list that is long enough, or
 * nothing yet.
 */
export function isWritable(value: unknown, steps: readonly Step[]): boolean {
  let at = value
  for (const step of steps) {
    if (typeof step === 'number') {
      if (!Array.isArray(at) || step >= at.length) return false
      at = at[step]
    } else {
      if (at !== undefined && !isObject(at)) return false
      at = at !== undefined && Object.hasOwn(at, step) ? at[step] : undefined
    }
  }
  return true
}

/** The value with another at the end of the steps: what lies beside the way is shared, not copied. */
export function writeSteps(
  value: unknown,
  steps: readonly Step[],
  added: unknown,
  from = 0,
): unknown {
  const step = steps[from]
  if (step === undefined) return added
  if (typeof step === 'number') {
    const list = value as readonly unknown[]
    return list.with(step, writeSteps(list[step], steps, added, from + 1))
  }
  const object = (value ?? {}) as Readonly<Record<string, unknown>>
  const inner = Object.hasOwn(object, step) ? object[step] : undefined
  return { ...object, [step]: writeSteps(inner, steps, added, from + 1) }
}

/** Whether a value is an object as JSON has them: no list, no number that only its text can hold. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  return !Array.isArray(value) && !isRawNumber(value)
}
