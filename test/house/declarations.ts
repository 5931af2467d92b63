// What a module exports, with its doc comments: read from the source, as no API of the compiler gives it.
import { readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { type Comment, parseSync, type Statement } from 'oxc-parser'
import { ROOT } from './plugins.ts'

/** A doc comment, taken apart. */
export interface Doc {
  /** Paragraphs, each on one line. */
  readonly text: readonly string[]
  /** In their order, for example `['throws', 'RangeError']`. */
  readonly tags: readonly (readonly [tag: string, text: string])[]
}

/** A member of an exported interface or class. */
export interface Member {
  readonly signature: string
  readonly doc: Doc
}

/** One exported name. */
export interface Declaration {
  readonly name: string
  readonly kind: 'class' | 'const' | 'function' | 'interface' | 'type'
  /** The module it stands in, as a path in the repository. */
  readonly file: string
  /** What interfaces and classes extend. */
  readonly parents: readonly string[]
  /** The source without its body, for what has no members. */
  readonly code: string
  readonly doc: Doc
  readonly members: readonly Member[]
}

interface Span {
  readonly start: number
  readonly end: number
}

const NO_DOC: Doc = { text: [], tags: [] }

/** Everything a module exports, its own and what it passes on. */
export function exportsOf(file: string): Declaration[] {
  const text = readFileSync(join(ROOT, file), 'utf8')
  const own = declarations(text, file)
  const passedOn = parse(text, file).body.flatMap((statement) => {
    if (statement.type !== 'ExportNamedDeclaration' || statement.source === null) return []
    const all = exportsOf(relative(ROOT, join(ROOT, dirname(file), statement.source.value)))
    const names = statement.specifiers.map(({ exported }) =>
      exported.type === 'Literal' ? exported.value : exported.name,
    )
    return names.flatMap((name) => all.filter((one) => one.name === name))
  })
  return [...own, ...passedOn]
}

/** What a module declares and exports itself. */
export function declarations(text: string, file: string): Declaration[] {
  const { body, comments } = parse(text, file)
  const docOf = (node: Span) => docBefore(text, comments, node)
  return body.flatMap((statement): Declaration | [] => {
    if (statement.type !== 'ExportNamedDeclaration' || statement.declaration === null) return []
    const one = statement.declaration
    const name = nameOf(statement)
    if (name === undefined) return []
    const base = { name, file, parents: [], members: [], doc: docOf(statement) }
    const slice = (node: Span) => bare(text.slice(node.start, node.end))
    const membersOf = (nodes: readonly Span[], end: (node: Span) => number) =>
      nodes.map((node) => ({
        signature: oneLine(bare(text.slice(node.start, end(node))))
          .replaceAll('( ', '(')
          .replaceAll(', )', ')'),
        doc: docOf(node),
      }))
    switch (one.type) {
      case 'TSInterfaceDeclaration': {
        const parents = one.extends.map(({ expression }) => slice(expression))
        const members = membersOf(one.body.body, ({ end }) => end)
        return { ...base, kind: 'interface', parents, code: '', members }
      }
      case 'ClassDeclaration': {
        const isPublic = one.body.body.filter(
          (node) =>
            'key' in node &&
            node.key.type === 'Identifier' &&
            node.key.name !== 'constructor' &&
            node.accessibility !== 'private',
        )
        const parents = one.superClass === null ? [] : [slice(one.superClass)]
        const members = membersOf(isPublic, (node) => bodyStart(node) ?? node.end)
        return { ...base, kind: 'class', parents, code: '', members }
      }
      case 'FunctionDeclaration': {
        const code = bare(text.slice(one.start, one.body?.start ?? one.end))
        return { ...base, kind: 'function', code }
      }
      case 'TSTypeAliasDeclaration':
        // Its members have no list of their own: their comments stay where they are.
        return { ...base, kind: 'type', code: text.slice(one.start, one.end) }
      default:
        return { ...base, kind: 'const', code: slice(one) }
    }
  })
}

function parse(
  text: string,
  file: string,
): { body: readonly Statement[]; comments: readonly Comment[] } {
  const { program, comments, errors } = parseSync(file, text)
  if (errors[0] !== undefined) throw new Error(`${file}: ${errors[0].message}`)
  return { body: program.body as readonly Statement[], comments }
}

function nameOf(statement: Statement): string | undefined {
  if (statement.type !== 'ExportNamedDeclaration') return undefined
  const one = statement.declaration
  if (one === null) return undefined
  if (one.type === 'VariableDeclaration') {
    const id = one.declarations[0]?.id
    return id?.type === 'Identifier' ? id.name : undefined
  }
  return 'id' in one && one.id?.type === 'Identifier' ? one.id.name : undefined
}

/** Where the body of a method begins. */
function bodyStart(node: Span): number | undefined {
  const { value } = node as { value?: { body?: Span | null } }
  return value?.body?.start
}

/** The doc comment that stands just before a node. */
function docBefore(text: string, comments: readonly Comment[], { start }: Span): Doc {
  const comment = comments.find(
    ({ type, value, end }) =>
      type === 'Block' &&
      value.startsWith('*') &&
      end <= start &&
      text.slice(end, start).trim() === '',
  )
  return comment === undefined ? NO_DOC : docOf(comment.value)
}

function docOf(comment: string): Doc {
  const lines = comment.split('\n').map((line) => line.replace(/^\s*\*+ ?/, '').trimEnd())
  const blocks = lines
    .join('\n')
    // Tags stand in lines of their own, or one after the other.
    .split(/(?<=^|\s)(?=@(?:param|returns|throws|deprecated)\b)/)
    .map((block) => block.trim())
  const [text = '', ...tags] = blocks[0]?.startsWith('@') ? ['', ...blocks] : blocks
  return {
    text: text.split(/\n{2,}/).flatMap((paragraph) => oneLine(paragraph) || []),
    tags: tags.map((tag) => {
      const [, name = '', rest = ''] = /^@(\w+)\s*(.*)$/s.exec(tag) ?? []
      return [name, oneLine(rest)] as const
    }),
  }
}

/** Source without comments, without what only this repository reads. */
function bare(code: string): string {
  return code
    .replace(/\/\*.*?\*\/\s*/gs, '')
    .replace(/\s\/\/ .*$/gm, '')
    .replace(/^(?:export )?(?:async )?(?:readonly )?/, '')
    .trim()
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
