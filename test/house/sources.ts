import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './plugins.ts'

/** The TypeScript files under a folder, as paths in the repository. */
export function sources(folder: string): string[] {
  return globSync(`${folder}/**/*.ts`, { cwd: ROOT }).sort()
}

/** How many lines a file has. */
export function lineCount(file: string): number {
  return readFileSync(join(ROOT, file), 'utf8').split('\n').length - 1
}

/** How many of its lines hold code: neither blank nor comment alone. */
export function codeLines(file: string): number {
  const text = readFileSync(join(ROOT, file), 'utf8')
  const bare = text.replace(/^\s*\/\*.*?\*\/\s*$/gms, '').replace(/^\s*\/\/.*$/gm, '')
  return bare.split('\n').filter((line) => line.trim() !== '').length
}
