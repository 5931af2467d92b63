import { existsSync, readdirSync } from 'node:fs'
import { basename, extname, join } from 'node:path'

const EXTENSIONS: readonly string[] = ['.ts', '.mts', '.js', '.mjs']

/** The operator's own plugins: a folder in which every file or subfolder is one, named by its name. */
export class PluginsFolder {
  readonly path: string
  /** Name → the modules that have it: `name.ts`, or `index.ts` of the folder `name`. */
  readonly #modules = new Map<string, string[]>()

  /** @throws Error of `node:fs` when the folder cannot be read */
  constructor(path: string) {
    this.path = path
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const { name } = entry
      if (name.startsWith('.') || name === 'node_modules') continue
      // Links are followed: a folder may be mounted from elsewhere.
      const index = indexOf(join(path, name))
      if (index !== undefined) this.#add(name, index)
      else if (!entry.isDirectory() && EXTENSIONS.includes(extname(name)) && !isTest(name)) {
        this.#add(basename(name, extname(name)), join(path, name))
      }
    }
  }

  /** The names `use` may say, sorted. */
  get names(): string[] {
    return [...this.#modules.keys()].sort()
  }

  /** The modules of that name: more than one is a clash. */
  find(name: string): readonly string[] {
    return this.#modules.get(name) ?? []
  }

  #add(name: string, file: string): void {
    this.#modules.set(name, [...(this.#modules.get(name) ?? []), file])
  }
}

/** The module that stands for a folder, if it has one. */
export function indexOf(folder: string): string | undefined {
  const modules = EXTENSIONS.map((extension) => join(folder, `index${extension}`))
  return modules.find((file) => existsSync(file))
}

function isTest(name: string): boolean {
  return /\.(?:test|d)\.[a-z]+$/.test(name)
}
