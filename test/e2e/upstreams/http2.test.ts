import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

test('HTTP/2 is spoken to servers that may have it, and to no other', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'patchbay-h2-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const made = ['-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert]
  try {
    execFileSync('openssl', ['req', '-x509', ...made, ...subject], { stdio: 'ignore' })
  } catch {
    // Node.js makes no certificates.
    const missing =
      'SKIPPED: openssl is missing, which makes the certificate of this test: install it'
    if (process.env.NO_SKIPS !== undefined) throw new Error(missing)
    return t.skip(missing)
  }
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(import.meta.dirname, 'http2-visit.ts'), key, cert],
    { env: { ...process.env, NODE_EXTRA_CA_CERTS: cert }, timeout: 30_000 },
  )
  assert.deepEqual(JSON.parse(stdout), { false: ['1.1', true], true: ['2.0', true] })
})
