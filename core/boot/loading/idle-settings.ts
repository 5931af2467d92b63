import type { HookName } from '../../../sdk/index.ts'
import type { Problem } from '../../hooks/errors.ts'
import { type PluginLine, SKIPPABLE } from '../../hooks/hooks.ts'
import { SHADOWED } from '../../hooks/listener.ts'

/** Hooks whose answers are there at once: no time limit ever runs for them. */
const SYNCHRONOUS: ReadonlySet<string> = new Set([
  'arrange',
  'challenge',
  'identity',
  'observe',
  'routes',
] satisfies HookName[])

/**
 * Settings of plugin lines that could never do anything: somebody believes they do. `path` is relative to
 * the line.
 */
export function idleSettings(lines: readonly PluginLine[]): Problem[] {
  return lines.flatMap(({ id, hooks, onFailure, timeouts, mode }) => {
    const problem = (path: string, reason: string, hint: string): Problem => {
      return { code: 'CONFIG_IDLE', where: `plugin ${id}`, path, reason, hint }
    }
    const problems = Object.keys(timeouts).flatMap((hook) => {
      const isThere = hooks[hook as HookName] !== undefined
      if (isThere && !SYNCHRONOUS.has(hook)) return []
      const why = isThere
        ? `the hook \`${hook}\` answers at once and has no time limit`
        : `it has no hook \`${hook}\``
      return [problem(`timeouts.${hook}`, why, 'Take the setting out.')]
    })
    if (onFailure === 'skip' && !SKIPPABLE.some((hook) => hooks[hook] !== undefined)) {
      const reason = '`skip` means nothing: none of its hooks can be passed over'
      const hint = `Take the setting out. It is for ${SKIPPABLE.join(', ')}.`
      problems.push(problem('onFailure', reason, hint))
    }
    if (mode === 'shadow' && !SHADOWED.some((hook) => hooks[hook] !== undefined)) {
      const reason = `\`shadow\` means nothing: it has none of ${SHADOWED.join(', ')}`
      problems.push(problem('mode', reason, 'Take the setting out.'))
    }
    return problems
  })
}
