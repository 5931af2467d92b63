import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { contract, reference } from './contract.ts'
import { type Doc, declarations } from './declarations.ts'
import { ROOT } from './plugins.ts'

/** What a deprecation says: since which version, and what to use. */
const DEPRECATED = /^since \d+\.\d+\.\d+, use .+/

function untold(source: string): string[] {
  return deprecations(declarations(source, 'sample.ts'))
}

/** Deprecations that do not say what they must, by name. */
function deprecations(all: ReturnType<typeof declarations>): string[] {
  const wrong = ({ tags }: Doc) =>
    tags.some(([tag, text]) => tag === 'deprecated' && !DEPRECATED.test(text))
  return all.flatMap(({ name, doc, members }) => [
    ...(wrong(doc) ? [name] : []),
    ...members.filter((one) => wrong(one.doc)).map(({ signature }) => `${name} ${signature}`),
  ])
}

test('the reference of the SDK is up to date', () => {
  const written = readFileSync(join(ROOT, 'sdk/REFERENCE.md'), 'utf8')
  assert.ok(written === reference(), 'it is not: run `npm run reference`')
})

test('every name of the SDK and its test kit has a doc comment', () => {
  const bare = contract()
    .filter(({ doc }) => doc.text.length === 0)
    .map(({ file, name }) => `${file}: ${name}`)
  assert.deepEqual(bare, [])
})

test('what is deprecated says since when, and what to use', () => {
  assert.deepEqual(deprecations(contract()), [])
})

test('a deprecation without version or replacement is found, on a name and on a member', () => {
  assert.deepEqual(untold('/** A. @deprecated since 1.4.0, use `b`. */\nexport const a = 1'), [])
  assert.deepEqual(untold('/** A. @deprecated use `b`. */\nexport const a = 1'), ['a'])
  assert.deepEqual(untold('/**\n * A.\n * @deprecated since 1.4.0\n */\nexport const a = 1'), ['a'])
  const member = 'export interface A {\n  /** B. @deprecated */\n  readonly b?: string\n}'
  assert.deepEqual(untold(member), ['A b?: string'])
})

test('declarations are read with members, tags and types', () => {
  const [one] = declarations(
    [
      '/** Says `{ a }`. */',
      'export interface One extends Base {',
      '  /**',
      '   * Does it,',
      '   * twice.',
      '   *',
      '   * Then rests.',
      '   * @param of what for',
      '   * @throws RangeError',
      '   */',
      '  run(of: string, // a note',
      '    to?: number): void',
      '  readonly plain: string',
      '}',
    ].join('\n'),
    'sample.ts',
  )
  assert.deepEqual(one, {
    name: 'One',
    kind: 'interface',
    file: 'sample.ts',
    parents: ['Base'],
    code: '',
    doc: { text: ['Says `{ a }`.'], tags: [] },
    members: [
      {
        signature: 'run(of: string, to?: number): void',
        doc: {
          text: ['Does it, twice.', 'Then rests.'],
          tags: [
            ['param', 'of what for'],
            ['throws', 'RangeError'],
          ],
        },
      },
      { signature: 'plain: string', doc: { text: [], tags: [] } },
    ],
  })
})
