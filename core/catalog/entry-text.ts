import type { Entry, EntryKind } from '../../sdk/index.ts'
import { writeChanged } from '../wire/changed-json.ts'
import { editMembers } from '../wire/json.ts'

/** What clients ask for an entry by: this member of its definition. */
export const NAME_MEMBER = {
  tool: 'name',
  prompt: 'name',
  resource: 'uri',
  template: 'uriTemplate',
} as const satisfies Record<EntryKind, string>

interface Source {
  readonly definition: Entry['definition']
  readonly text: string
}

// Where a definition came from, so that what no plugin touched is listed as the upstream wrote it.
const sources = new WeakMap<object, Source>()
const texts = new WeakMap<Entry, string>()

/** Remembers what a definition was read from. */
export function rememberSource(definition: Entry['definition'], text: string): void {
  sources.set(definition, { definition, text })
}

/** Lets a definition that a plugin rebuilt keep the source text of what it left alone. */
export function inherit<E extends Entry>(entry: E, from: Entry | undefined): E {
  const source = from && sources.get(from.definition)
  if (source !== undefined && !sources.has(entry.definition)) sources.set(entry.definition, source)
  return entry
}

/** An entry that a plugin made, once it is known to have a text. @throws TypeError when JSON cannot say it */
export function sayable<E extends Entry>(entry: E): E {
  entryText(entry)
  return entry
}

/** The JSON text of an entry, as lists carry it. */
export function entryText(entry: Entry): string {
  let text = texts.get(entry)
  if (text === undefined) {
    const source = sources.get(entry.definition)
    const body =
      source === undefined
        ? JSON.stringify(entry.definition)
        : source.definition === entry.definition
          ? source.text
          : writeChanged(entry.definition, source.definition, source.text)
    text = editMembers(body, 0, { [NAME_MEMBER[entry.kind]]: JSON.stringify(entry.name) })
    texts.set(entry, text)
  }
  return text
}
