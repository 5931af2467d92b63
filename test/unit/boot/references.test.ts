import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveReferences } from '../../../core/boot/config/references.ts'
import { folder } from './folder.ts'

const sources = { env: { NAME: 'value', EMPTY: '' }, folder: '/nowhere' }

function resolved(text: string): string {
  const { text: out, problems } = resolveReferences(text, sources)
  assert.deepEqual(problems, [])
  return out
}

test('a variable is replaced wherever it stands', () => {
  assert.equal(resolved(`a \${NAME} b \${NAME}`), 'a value b value')
})

test('a default stands in for a variable that is missing or empty', () => {
  assert.equal(resolved(`\${MISSING:-x}\${EMPTY:-y}\${NAME:-z}\${MISSING:-}`), 'xyvalue')
})

test('two dollars are one, and a dollar alone is a dollar', () => {
  assert.equal(resolved(`$\${NAME} costs $5`), `\${NAME} costs $5`)
})

test('a file is read relative to the config, without its last line break', (t) => {
  const root = folder(t, { 'token.txt': 's3cret\n' })
  const { text, whole } = resolveReferences(`\${file:token.txt}`, { env: {}, folder: root })
  assert.equal(text, 's3cret')
  assert.equal(whole, true)
})

test('a variable that is not set is named with the way out', () => {
  const { problems } = resolveReferences(`\${MISSING}`, sources)
  assert.deepEqual(problems, [
    {
      reason: 'the environment variable MISSING is not set',
      hint: `Set it, or give a default: \${MISSING:-…}.`,
    },
  ])
})

test('a file that cannot be read and a form that is none are problems', () => {
  for (const text of [`\${file:missing.txt}`, `\${not a name}`, `\${OPEN`]) {
    assert.equal(resolveReferences(text, sources).problems.length, 1, text)
  }
})
