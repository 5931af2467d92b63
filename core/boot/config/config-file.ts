import { dirname, relative } from 'node:path'
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import { messageOf, type Problem } from '../../hooks/errors.ts'
import { type ConfigDisk, DISK } from './config-disk.ts'
import { type ReferenceSources, resolveReferences } from './references.ts'
import { isRecord, type Node, pointerOf } from './schema-walk.ts'

/** Keys and indices from the top of the config. */
export type Path = readonly (string | number)[]

/** What a reference stood for, and where. */
export interface Referenced {
  readonly path: Path
  readonly value: string
}

/** A config file's values, and where each was written. */
export interface ConfigFile {
  readonly value: unknown
  /** JSON pointer → `file:line:column`. */
  readonly places: Map<string, string>
  /** JSON pointers of values that are one `${…}` each: they take the type the schema asks for. */
  readonly typed: Set<string>
  /** What references stood for, by the path of the value they stand in. */
  readonly referenced: readonly Referenced[]
  /** References that lead nowhere, by the path of the value. */
  readonly unresolved: readonly { readonly path: Path; readonly problem: Problem }[]
  readonly problems: readonly Problem[]
}

/** Reads one YAML file. Never throws: what is wrong is in `problems`. */
export function readConfigFile(
  file: string,
  env: ReferenceSources['env'],
  folder: string = dirname(file),
  disk: ConfigDisk = DISK,
): ConfigFile {
  const shown = shownPath(file)
  const places = new Map<string, string>()
  const typed = new Set<string>()
  const none = { value: undefined, places, typed, referenced: [], unresolved: [] }
  let text: string
  try {
    text = disk.read(file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const reason = code === 'ENOENT' ? 'there is no such file' : `cannot be read: ${code}`
    const hint = 'Give the path of a config file: `patchbay start <file>`.'
    return { ...none, problems: [{ code: 'CONFIG_UNREADABLE', where: shown, reason, hint }] }
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true })
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return `${shown}:${line}:${col}`
  }
  if (document.errors.length > 0) {
    return {
      ...none,
      problems: document.errors.map(({ code, message, pos }) => ({
        code: 'CONFIG_SYNTAX',
        where: place(pos[0]),
        reason: code === 'DUPLICATE_KEY' ? duplicateKey(text.slice(pos[0])) : lowerFirst(message),
        hint: code === 'DUPLICATE_KEY' ? 'Keep one of them.' : 'Mend the YAML.',
      })),
    }
  }
  try {
    // Aliases that hold each other would grow without end.
    document.toJS({ maxAliasCount: 1_000 })
    return new Reader(document, place, { env, folder, disk }).read()
  } catch (cause) {
    const reason = `its aliases cannot be followed: ${messageOf(cause)}`
    const hint = 'Write the values out.'
    return { ...none, problems: [{ code: 'CONFIG_SYNTAX', where: shown, reason, hint }] }
  }
}

/** A path as people write it: relative to where they stand, unless it is elsewhere. */
export function shownPath(file: string): string {
  const near = relative(process.cwd(), file)
  return near.startsWith('..') ? file : near
}

type Document = ReturnType<typeof parseDocument>

/** Turns YAML nodes into values and remembers where each stood. */
class Reader {
  readonly #document: Document
  readonly #place: (offset: number) => string
  readonly #sources: ReferenceSources
  readonly #places = new Map<string, string>()
  readonly #typed = new Set<string>()
  readonly #referenced: Referenced[] = []
  readonly #unresolved: { path: Path; problem: Problem }[] = []
  readonly #open = new Set<unknown>()

  constructor(document: Document, place: (offset: number) => string, sources: ReferenceSources) {
    this.#document = document
    this.#place = place
    this.#sources = sources
  }

  read(): ConfigFile {
    const value = this.#value(this.#document.contents, [])
    return {
      value,
      places: this.#places,
      typed: this.#typed,
      referenced: this.#referenced,
      unresolved: this.#unresolved,
      problems: [],
    }
  }

  #value(node: unknown, path: Path): unknown {
    if (isAlias(node)) return this.#value(node.resolve(this.#document), path)
    if (isScalar(node)) {
      this.#mark(node, path)
      return typeof node.value === 'string' ? this.#text(node.value, path) : node.value
    }
    if (!isMap(node) && !isSeq(node)) return null
    if (this.#open.has(node)) throw new Error('one holds itself')
    this.#open.add(node)
    this.#mark(node, path)
    const value = isSeq(node)
      ? node.items.map((item, index) => this.#value(item, [...path, index]))
      : this.#members(node.items, path)
    this.#open.delete(node)
    return value
  }

  #members(pairs: readonly { key: unknown; value: unknown }[], path: Path): Node {
    const members: Node = {}
    const merged: unknown[] = []
    for (const { key, value } of pairs) {
      const name = isScalar(key) ? key.value : key
      // The parser's own mark for the merge key `<<`.
      if (typeof name === 'symbol') {
        merged.push(this.#value(value, path))
        continue
      }
      const at = [...path, String(name)]
      this.#mark(key, at)
      put(members, String(name), this.#value(value, at))
    }
    // What is merged in stands behind the mapping's own keys.
    for (const one of merged.flat().filter(isRecord)) {
      for (const [name, value] of Object.entries(one)) {
        if (!Object.hasOwn(members, name)) put(members, name, value)
      }
    }
    return members
  }

  #text(source: string, path: Path): string {
    const { text, whole, values, problems } = resolveReferences(source, this.#sources)
    for (const value of values) this.#referenced.push({ path, value })
    if (whole) this.#typed.add(pointerOf(path))
    for (const { reason, hint } of problems) {
      const where = this.#places.get(pointerOf(path))
      const problem = {
        code: 'CONFIG_REFERENCE',
        where: where ?? '',
        path: pathText(path),
        reason,
        hint,
      }
      this.#unresolved.push({ path, problem })
    }
    return text
  }

  /** The first place wins: a key's own, before its value's. */
  #mark(node: unknown, path: Path): void {
    const range = (node as { range?: readonly number[] | null }).range
    const pointer = pointerOf(path)
    if (!this.#places.has(pointer)) this.#places.set(pointer, this.#place(range?.[0] ?? 0))
  }
}

/** A path as operators read it: `plugins[0].config.limit`. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    if (!/^[\w@/$-]+$/.test(key)) return `${text}[${JSON.stringify(key)}]`
    return text === '' ? key : `${text}.${key}`
  }, '')
}

/** Not plain assignment: a key called `__proto__` would vanish instead of being refused. */
function put(members: Node, name: string, value: unknown): void {
  Object.defineProperty(members, name, {
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  })
}

function duplicateKey(source: string): string {
  const key = /^[^\s:]+/.exec(source)?.[0]
  return key === undefined ? 'a key stands here twice' : `the key \`${key}\` stands here twice`
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
