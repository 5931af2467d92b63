// Makes sdk/REFERENCE.md of the exported types and their doc comments.
import { relative } from 'node:path'
import { type Declaration, type Doc, exportsOf, type Member } from './declarations.ts'

/** The chapters, and which modules belong to them. What belongs to none is about calls. */
const CHAPTERS: readonly (readonly [title: string, modules: RegExp])[] = [
  ['Declaring a plugin', /^sdk\/(?:plugin|schema|token)\.ts$/],
  ['Hooks', /^sdk\/(?:hooks|message)\.ts$/],
  ['Calls and outcomes', /^sdk\/[^/]+\.ts$/],
  ['Events', /^sdk\/events\.ts$/],
  ['Services', /^sdk\/services\//],
  ['Test kit', /^sdk\/testing\//],
]
const CALLS = 'Calls and outcomes'

const HEAD = `# Reference

Every name that \`mcp-patchbay/sdk\` and \`mcp-patchbay/sdk/testing\` export. Made from the doc comments of the
types by \`npm run reference\`: change those. What it is all for is in [README.md](README.md).
`

/** Every exported name of the SDK and its test kit. */
export function contract(): Declaration[] {
  return [...exportsOf('sdk/index.ts'), ...exportsOf('sdk/testing/index.ts')]
}

/** The text of `sdk/REFERENCE.md`. */
export function reference(): string {
  const all = contract()
  // A service is a type and a token of one name: told once, by its type.
  const told = all.filter((one) => one.kind !== 'const' || twin(one, all) === undefined)
  const chapters = CHAPTERS.map(([title]) => ({
    title,
    own: told.filter(({ file }) => chapterOf(file) === title),
  }))
  const anchors = anchorsOf(chapters)
  const names = new Map(told.map((one) => [one.name, anchors.get(one) as string]))
  const contents = chapters.map(({ title, own }) => {
    const links = own.map((one) => `[\`${one.name}\`](#${anchors.get(one)})`)
    return `- [${title}](#${anchors.get(title)}): ${links.join(', ')}`
  })
  const body = chapters.map(({ title, own }) => {
    const sections = own.map((one) => section(one, twin(one, all) !== undefined, names))
    return `## ${title}\n\n${sections.join('\n')}`
  })
  return `${HEAD}\n${contents.join('\n')}\n\n${body.join('\n')}`
}

function chapterOf(file: string): string {
  const title = CHAPTERS.find(([name, modules]) => name !== CALLS && modules.test(file))?.[0]
  return title ?? CALLS
}

/** What else has the name of a type or a constant: the token of a service and its type. */
function twin({ name, kind }: Declaration, all: readonly Declaration[]): Declaration | undefined {
  return all.find((other) => other.name === name && other.kind !== kind)
}

/** The anchors of all headings, numbered where two are the same but for upper and lower case. */
function anchorsOf(
  chapters: readonly { readonly title: string; readonly own: readonly Declaration[] }[],
): Map<string | Declaration, string> {
  const seen = new Map<string, number>()
  const anchors = new Map<string | Declaration, string>()
  for (const heading of chapters.flatMap(({ title, own }) => [title, ...own])) {
    const text = typeof heading === 'string' ? heading : heading.name
    const anchor = text.toLowerCase().replaceAll(' ', '-')
    const count = seen.get(anchor) ?? 0
    seen.set(anchor, count + 1)
    anchors.set(heading, count === 0 ? anchor : `${anchor}-${count}`)
  }
  return anchors
}

function section(
  { name, kind, file, parents, code, doc, members }: Declaration,
  isService: boolean,
  names: ReadonlyMap<string, string>,
): string {
  const source = relative('sdk', file)
  const what = isService ? 'service' : kind
  const lines = [`### ${name}`, '', `${what} in [\`${source}\`](${source})`, '']
  const inherited = parents.map((parent) => link(parent, names))
  if (inherited.length > 0) lines.push(`Has all that ${inherited.join(' and ')} has.`, '')
  lines.push(...paragraphs(doc, names).flatMap((text) => [text, '']))
  if (code !== '') lines.push('```ts', code, '```', '')
  if (members.length > 0) lines.push(...members.flatMap((one) => memberLines(one, names)), '')
  return lines.join('\n')
}

function memberLines({ signature, doc }: Member, names: ReadonlyMap<string, string>): string[] {
  const parts = paragraphs(doc, names)
  const isText = doc.text.length > 0
  const head = `- \`${signature}\`${isText ? ` – ${parts[0]}` : ''}`
  return [head, ...parts.slice(isText ? 1 : 0).map((text) => `  - ${text}`)]
}

/** What a doc comment says, as Markdown: its paragraphs, then its tags. */
function paragraphs({ text, tags }: Doc, names: ReadonlyMap<string, string>): string[] {
  const linked = (one: string) =>
    one.replace(/\{@link (\w+)\}/g, (_, name: string) => link(name, names))
  return [...text.map(linked), ...tags.map(([tag, rest]) => tagText(tag, linked(rest)))]
}

function tagText(tag: string, text: string): string {
  if (tag === 'deprecated') return `**Deprecated** ${text}`
  if (tag === 'param') return text.replace(/^(\S+) ?(.*)$/s, '_`$1`_: $2')
  return tag === 'returns' ? `_Returns_ ${text}` : `_Throws_ ${text}`
}

function link(name: string, names: ReadonlyMap<string, string>): string {
  const anchor = names.get(name)
  return anchor === undefined ? `\`${name}\`` : `[\`${name}\`](#${anchor})`
}
