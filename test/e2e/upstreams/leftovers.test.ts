import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { stub } from './stub.ts'

test('nothing is left after stop: the process ends by itself', { timeout: 30_000 }, async (t) => {
  const legacy = await stub(t)
  const modern = await stub(t, 'modern')
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('visit.ts', import.meta.url)), legacy.url, modern.url],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  t.after(() => child.kill('SIGKILL'))
  const said = child.stdout.setEncoding('utf8').toArray()
  const [code, signal] = await once(child, 'close')
  assert.deepEqual([code, signal], [0, null])
  assert.equal((await said).join(''), '{"legacy":"ready","modern":"ready","script":"ready"} []\n')
})
