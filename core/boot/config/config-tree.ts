import { dirname, resolve } from 'node:path'
import type { Problem } from '../../hooks/errors.ts'
import { type ConfigDisk, DISK } from './config-disk.ts'
import {
  type ConfigFile,
  type Path,
  pathText,
  type Referenced,
  readConfigFile,
} from './config-file.ts'
import type { Finding } from './reasons.ts'
import type { ReferenceSources } from './references.ts'
import { isRecord, keysOf, type Node, pointerOf } from './schema-walk.ts'

/** The main file with everything it includes, as one config. */
export class ConfigTree {
  readonly value: Node
  readonly #problems: Problem[] = []
  readonly #complained: Path[] = []
  readonly #places: Map<string, string>
  readonly #typed: Set<string>
  /** What references stood for; the indices of included plugin lines are those of their own file. */
  readonly referenced: Referenced[]
  readonly #unresolved: { path: Path; problem: Problem }[]

  /** Whether a file could not be read at all: then nothing else can be judged. */
  readonly broken: boolean

  /** @param disk where files are read */
  constructor(file: string, env: ReferenceSources['env'], disk: ConfigDisk = DISK) {
    const main = readConfigFile(file, env, dirname(file), disk)
    this.#places = main.places
    this.#typed = main.typed
    this.referenced = [...main.referenced]
    this.#unresolved = [...main.unresolved]
    this.#problems.push(...main.problems)
    let broken = main.problems.length > 0
    // An empty file is a config in which everything is as by default.
    this.value = isRecord(main.value) ? main.value : {}
    if (!isRecord(main.value) && main.value !== null && main.value !== undefined) {
      this.add([], 'must be a mapping of settings', 'For example `plugins: […]`.')
    }
    for (const included of this.#includes(file, disk)) {
      const part = readConfigFile(included, env, dirname(file), disk)
      this.#problems.push(...part.problems)
      broken ||= part.problems.length > 0
      this.#merge(part)
    }
    this.broken = broken
  }

  /** Makes a problem known, at the place of the nearest part of the path that was written. */
  add(path: Path, reason: string, hint?: string, code = 'CONFIG_INVALID'): void {
    const where = this.place(path)
    const text = pathText(path)
    this.#complained.push(path)
    this.#problems.push({
      code,
      ...(where === undefined ? {} : { where }),
      ...(text === '' ? {} : { path: text }),
      reason,
      ...(hint === undefined ? {} : { hint }),
    })
  }

  /** Makes what a schema found under a path known. */
  addFindings(base: Path, findings: readonly Finding[]): void {
    for (const { path, reason, hint, unknown } of findings) {
      const whole = [...base, ...path]
      const from = this.#typed.has(pointerOf(whole))
        ? 'Its value comes from a reference.'
        : undefined
      this.add(whole, reason, hint ?? from, unknown ? 'CONFIG_UNKNOWN_KEY' : 'CONFIG_INVALID')
    }
  }

  /** Whether something is wrong at a path or below it. */
  isUnsound(base: Path): boolean {
    const all = [...this.#complained, ...this.#unresolved.map(({ path }) => path)]
    return all.some((path) => base.every((key, index) => path[index] === key))
  }

  /** `file:line:column` of a path, or of the nearest part of it that was written. */
  place(path: Path): string | undefined {
    for (let length = path.length; length >= 0; length--) {
      const place = this.#places.get(pointerOf(path.slice(0, length)))
      if (place !== undefined) return place
    }
    return undefined
  }

  /** JSON pointers, relative to a path, of values that take the type their schema asks for. */
  typed(base: Path): ReadonlySet<string> {
    const start = pointerOf(base)
    return new Set(
      [...this.#typed].flatMap((pointer) =>
        pointer === start || pointer.startsWith(`${start}/`) ? pointer.slice(start.length) : [],
      ),
    )
  }

  /** All problems in the order of the files' lines (files as first complained about), without references under what is switched off. */
  problems(isOff: (path: Path) => boolean): Problem[] {
    const unresolved = this.#unresolved.filter(({ path }) => !isOff(path))
    const missing = new Set(unresolved.map(({ problem }) => `${problem.where} ${problem.path}`))
    // A value that is missing is one mistake: what a schema says of its absence is an echo.
    const others = this.#problems.filter(({ where, path }) => !missing.has(`${where} ${path}`))
    return inOrder([...others, ...unresolved.map(({ problem }) => problem)])
  }

  #includes(main: string, disk: ConfigDisk): string[] {
    const { include } = this.value
    if (!Array.isArray(include)) return []
    const files = include.flatMap((glob, index) => {
      if (typeof glob !== 'string' || glob === '') return []
      const found = disk.find(glob, dirname(main))
      if (found.length === 0 && !/[*?[{]/.test(glob)) {
        this.add(['include', index], 'no such file', 'Paths start at the config file.')
      }
      return found.map((one) => resolve(dirname(main), one))
    })
    return [...new Set(files)].filter((file) => file !== main)
  }

  #merge(part: ConfigFile): void {
    const plugins = Array.isArray(this.value.plugins) ? this.value.plugins : []
    const offset = plugins.length
    const moved = (pointer: string): string => {
      const [top, index, ...rest] = keysOf(pointer)
      if (top !== 'plugins' || index === undefined) return pointer
      return pointerOf([top, offset + Number(index), ...rest])
    }
    if (part.value === null || part.value === undefined) return
    const value = isRecord(part.value) ? part.value : {}
    const place = (pointer: string) => part.places.get(pointer)
    const refuse = (pointer: string, reason: string, hint: string): void => {
      const where = place(pointer)
      const path = pathText(keysOf(pointer))
      const at = { ...(where === undefined ? {} : { where }), ...(path === '' ? {} : { path }) }
      this.#problems.push({ code: 'CONFIG_INCLUDE', ...at, reason, hint })
    }
    if (!isRecord(part.value)) refuse('', 'must be a mapping', INCLUDED)
    for (const key of Object.keys(value)) {
      if (key !== 'upstreams' && key !== 'plugins') {
        refuse(pointerOf([key]), 'is not a setting of an included file', INCLUDED)
      }
    }
    this.#mergeUpstreams(value.upstreams, (id) => {
      const first = this.#places.get(pointerOf(['upstreams', id]))
      const reason = `an upstream of this id is already at ${first}`
      refuse(pointerOf(['upstreams', id]), reason, 'Give one of them another id.')
    })
    if (Array.isArray(value.plugins)) this.value.plugins = [...plugins, ...value.plugins]
    else if (value.plugins !== undefined) refuse('/plugins', 'must be a list', INCLUDED)
    if (value.upstreams !== undefined && !isRecord(value.upstreams)) {
      refuse('/upstreams', 'must be a mapping', INCLUDED)
    }
    for (const [pointer, at] of part.places) {
      if (!this.#places.has(moved(pointer))) this.#places.set(moved(pointer), at)
    }
    this.referenced.push(...part.referenced)
    for (const pointer of part.typed) this.#typed.add(moved(pointer))
    for (const { path, problem } of part.unresolved) {
      const [top, index, ...rest] = path
      const isLine = top === 'plugins' && typeof index === 'number'
      this.#unresolved.push({ path: isLine ? [top, offset + index, ...rest] : path, problem })
    }
  }

  #mergeUpstreams(more: unknown, duplicate: (id: string) => void): void {
    if (!isRecord(more)) return
    this.value.upstreams ??= {}
    const upstreams = this.value.upstreams
    if (!isRecord(upstreams)) return
    for (const [id, upstream] of Object.entries(more)) {
      if (Object.hasOwn(upstreams, id)) duplicate(id)
      else upstreams[id] = upstream
    }
  }
}

const INCLUDED = 'Included files hold `upstreams` and `plugins`; the rest belongs in the main file.'

/** Problems in the order of their lines, files as first complained about. */
export function inOrder(problems: readonly Problem[]): Problem[] {
  const places = new Map(problems.map((one) => [one, splitPlace(one)]))
  const files = [...new Set([...places.values()].map(([file]) => file))]
  return [...problems].sort((a, b) => {
    const [fileA, lineA, columnA] = places.get(a) as Place
    const [fileB, lineB, columnB] = places.get(b) as Place
    return files.indexOf(fileA) - files.indexOf(fileB) || lineA - lineB || columnA - columnB
  })
}

type Place = [file: string, line: number, column: number]

function splitPlace({ where = '' }: Problem): Place {
  const [, file = where, line = '0', column = '0'] = /^(.*):(\d+):(\d+)$/.exec(where) ?? []
  return [file, Number(line), Number(column)]
}
