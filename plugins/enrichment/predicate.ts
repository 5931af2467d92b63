import { InvalidSettings } from 'mcp-patchbay/sdk'
import { saysSame, wordOf } from './exact.ts'
import { type Path, parsePath, type Root } from './path.ts'
import type { Scope } from './scope.ts'

/** A condition as an operator writes it. */
export interface ConditionSettings {
  readonly path: string
  readonly exists?: boolean
  readonly equals?: unknown
  readonly matches?: string
}

/** Whether a rule applies. @throws RuleFailure `TOO_LARGE` */
export type Predicate = (scope: Scope) => boolean

const TESTS = ['exists', 'equals', 'matches'] as const
/** Longer text matches no expression: looking through it could take long. */
const LONGEST = 4096

/** What may be looked at. */
export const SCOPE_ROOTS: readonly Root[] = ['args', 'result', 'principal']

/** A condition, ready to judge. @param at where it stands @throws InvalidSettings */
export function predicateOf(settings: ConditionSettings, at: string): Predicate {
  const given = TESTS.filter((name) => settings[name] !== undefined)
  if (given.length !== 1) {
    const hint = 'Write one of exists, equals and matches; conditions of a list hold together.'
    throw new InvalidSettings(at, `has ${given.length} tests`, hint)
  }
  const path = pathAt(settings.path, SCOPE_ROOTS, `${at}.path`)
  const { exists, equals, matches } = settings
  if (exists !== undefined) return (scope) => (scope.read(path) !== undefined) === exists
  if (matches === undefined) return (scope) => saysSame(scope.read(path), equals)
  const expression = expressionAt(matches, `${at}.matches`)
  return (scope) => {
    const word = wordOf(scope.read(path))
    return word !== undefined && word.length <= LONGEST && expression.test(word)
  }
}

/** A path of the settings. @throws InvalidSettings */
export function pathAt(text: string, roots: readonly Root[], at: string): Path {
  try {
    return parsePath(text, roots)
  } catch (cause) {
    const hint = `Write for example \`${roots[0]}.items[0].id\`.`
    throw new InvalidSettings(at, (cause as Error).message, hint, { cause })
  }
}

function expressionAt(source: string, at: string): RegExp {
  try {
    return new RegExp(source, 'u')
  } catch (cause) {
    const hint = 'Write it as JavaScript does, without slashes.'
    throw new InvalidSettings(at, (cause as Error).message, hint, { cause })
  }
}
