import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import test from 'node:test'

const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'))

test('programs that must compile do, and lines that must not compile do not', () => {
  const tsc = join(typescript, 'bin', 'tsc')
  const args = [tsc, '--noEmit', '--project', join(import.meta.dirname, 'tsconfig.json')]
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  assert.equal(stdout, '')
  assert.equal(status, 0)
})
