// The specification's own schema of each revision, as the official conformance suite brings it along.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { Ajv } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'

/** The revisions whose schemas there are, oldest first. */
export const REVISIONS = ['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'] as const

/** One of them. */
export type Revision = (typeof REVISIONS)[number]

/** Says what is wrong with a value by a definition of a revision's schema; `''` when nothing is. */
export type Judge = (definition: string, value: unknown) => string

/** Where the suite says which of its constants is which revision's schema. */
const MAP =
  /\{"2025-03-26":([\w$]+),"2025-06-18":([\w$]+),"2025-11-25":([\w$]+),\[[\w$]+\]:([\w$]+)\}/

/** @throws Error when the suite no longer holds the schemas in this form */
export function specJudges(): Readonly<Record<Revision, Judge>> {
  const entry = createRequire(import.meta.url).resolve(
    '@modelcontextprotocol/conformance/package.json',
  )
  const source = readFileSync(join(dirname(entry), 'dist/index.js'), 'utf8')
  const [, ...names] = MAP.exec(source) ?? []
  if (names.length !== REVISIONS.length) {
    throw new Error('the conformance suite no longer names the schemas of the revisions')
  }
  const judges = REVISIONS.map((revision, i) => [revision, judge(constant(source, `${names[i]}`))])
  return Object.fromEntries(judges)
}

/** The object that a constant of the suite is set to. */
function constant(source: string, name: string): { readonly $schema: string } {
  const start = source.indexOf(`${name}={$schema:`) + name.length + 1
  if (start <= name.length) throw new Error(`the conformance suite holds no schema ${name}`)
  let depth = 0
  let quote = ''
  for (let i = start; i < source.length; i++) {
    const c = source.charAt(i)
    if (quote !== '') {
      if (c === '\\') i++
      else if (c === quote) quote = ''
    } else if (c === '`' || c === '"' || c === "'") quote = c
    else if (c === '{') depth++
    else if (c === '}' && --depth === 0) {
      return runInNewContext(`(${source.slice(start, i + 1)})`)
    }
  }
  throw new Error(`the schema ${name} of the conformance suite has no end`)
}

function judge(schema: { readonly $schema: string }): Judge {
  const modern = schema.$schema.includes('2020-12')
  const options = { strict: false, allErrors: false }
  const ajv = modern ? new Ajv2020(options) : new Ajv(options)
  formats.default(ajv as Ajv)
  // Made in another context, whose objects are none to this one's `instanceof`.
  ajv.addSchema(JSON.parse(JSON.stringify(schema)), 'spec')
  return (definition, value) => {
    const ref = `spec#/${modern ? '$defs' : 'definitions'}/${definition}`
    const check = ajv.getSchema(ref)
    if (check === undefined) throw new Error(`the specification has no ${definition}`)
    return check(value) === true ? '' : ajv.errorsText(check.errors)
  }
}
