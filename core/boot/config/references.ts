import { resolve } from 'node:path'
import { type ConfigDisk, DISK } from './config-disk.ts'

/** Where references lead. */
export interface ReferenceSources {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The folder that relative `${file:…}` paths start from. */
  readonly folder: string
  /** Where files are read; the computer's own disk when left out. */
  readonly disk?: ConfigDisk
}

/** A string with its references replaced. */
export interface Resolved {
  readonly text: string
  /** Whether the string held any reference: then it is a secret as far as messages are concerned. */
  readonly referenced: boolean
  /** Whether it was one reference and nothing else, which may stand for a number or a boolean. */
  readonly whole: boolean
  /** What the references stood for; defaults are not among them, they are written in the file. */
  readonly values: readonly string[]
  readonly problems: readonly { readonly reason: string; readonly hint: string }[]
}

const REFERENCE = /\$(?:\$|\{([^}]*)(\}?))/g
const FORMS = `Write \${NAME}, \${NAME:-default} or \${file:/path}; $$ is a dollar sign.`

/** Replaces `${NAME}`, `${NAME:-default}`, `${file:/path}` and `$$`. Never throws; never tells a value. */
export function resolveReferences(
  source: string,
  { env, folder, disk = DISK }: ReferenceSources,
): Resolved {
  if (!source.includes('$')) {
    return { text: source, referenced: false, whole: false, values: [], problems: [] }
  }
  const problems: { reason: string; hint: string }[] = []
  const values: string[] = []
  const found = (value: string) => {
    values.push(value)
    return value
  }
  let referenced = false
  const text = source.replace(REFERENCE, (match, inside: string | undefined, end: string) => {
    if (inside === undefined) return '$'
    referenced = true
    const [, file, name, fallback] =
      /^(?:file:(.+)|([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?)$/s.exec(end === '' ? '' : inside) ?? []
    if (file !== undefined) {
      try {
        return found(disk.read(resolve(folder, file)).replace(/\r?\n$/, ''))
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        problems.push({
          reason: `cannot read the file of \${file:${file}}: ${code}`,
          hint: 'Create the file, or mend its path or who may read it.',
        })
        return ''
      }
    }
    if (name === undefined) {
      problems.push({ reason: `holds something that is no reference: ${match}`, hint: FORMS })
      return ''
    }
    const value = env[name]
    // As in a shell: `:-` also stands in for a variable that is set to nothing.
    if (fallback !== undefined && (value === undefined || value === '')) return fallback
    if (value !== undefined) return found(value)
    problems.push({
      reason: `the environment variable ${name} is not set`,
      hint: `Set it, or give a default: \${${name}:-…}.`,
    })
    return ''
  })
  const whole = referenced && /^\$\{[^}]*\}$/.test(source)
  return { text, referenced, whole, values, problems }
}
