import type { Entry } from '../../sdk/index.ts'
import type { HookTable, Listener } from '../hooks/hooks.ts'
import { isEntry } from './assembly.ts'
import { inherit, sayable } from './entry-text.ts'

/** Hands each entry that arrives to every `onRegister`, one plugin after another. Never rejects. */
export async function register(
  hooks: HookTable,
  arrived: readonly Entry[],
): Promise<readonly Entry[]> {
  const kept = await Promise.all(arrived.map((entry) => registerOne(hooks, entry)))
  return kept.flat()
}

async function registerOne(hooks: HookTable, arrived: Entry): Promise<readonly Entry[]> {
  let entries: readonly Entry[] = [arrived]
  for (const one of hooks.on.onRegister ?? []) {
    const next: Entry[] = []
    for (const entry of entries) {
      try {
        const kept = await hooks.settle(Promise.resolve(entry).then(one.run), one)
        next.push(...accept(hooks, one, entry, kept))
      } catch {
        // Reported. What a plugin could not judge is not offered, unless the operator said so.
        if (one.skip) next.push(entry)
      }
    }
    entries = next
  }
  return entries
}

/** What a plugin made of an entry. @throws HookError when it made something else than entries */
function accept(
  hooks: HookTable,
  one: Listener<'onRegister'>,
  entry: Entry,
  kept: unknown,
): readonly Entry[] {
  if (kept == null) return [entry]
  const list: unknown[] = Array.isArray(kept) ? kept : [kept]
  try {
    if (list.every(isEntry)) return list.map((out) => sayable(inherit(out, entry)))
    throw new TypeError('returned something that is not an entry')
  } catch (cause) {
    throw hooks.failed(one.plugin, 'onRegister', cause, one.skip)
  }
}
