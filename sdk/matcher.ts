import picomatch from 'picomatch'

/** A name is one word, slashes and leading dots included, and the same on every platform. */
const DIALECT = {
  bash: true,
  dot: true,
  noextglob: true,
  strictBrackets: true,
  windows: false,
} as const

/**
 * Names and globs as operators of this gateway write them: `*`, `?`, `[…]`, `{a,b}`, upper and lower case told
 * apart; `*` also stands for slashes and leading dots. Make it in `setup`, once.
 * @returns the first of the globs that matches a name, or `undefined`
 * @throws Error for a glob that cannot be read, or that begins with `!`: lists have no exceptions
 */
export function matcher(globs: readonly string[]): (name: string) => string | undefined {
  const tests = globs.map((glob) => [glob, compiled(glob)] as const)
  return (name) => {
    for (const [glob, matches] of tests) if (matches(name)) return glob
    return undefined
  }
}

function compiled(glob: string): (name: string) => boolean {
  if (glob.startsWith('!')) throw new Error(`"${glob}" begins with "!": there are no exceptions`)
  try {
    return picomatch(glob, DIALECT)
  } catch (cause) {
    throw new Error(`"${glob}" is no glob: ${(cause as Error).message}`, { cause })
  }
}
