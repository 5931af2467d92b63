import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { test } from 'node:test'
import { startProcesses } from './processes.ts'

test('both workers serve TLS on one port', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'patchbay-tls-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const made = ['-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert]
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  try {
    execFileSync('openssl', ['req', '-x509', ...made, ...subject], { stdio: 'ignore' })
  } catch (error) {
    // Node.js makes no certificates.
    const why = 'SKIPPED: openssl is missing, which makes the certificate of this test: install it'
    if (process.env.NO_SKIPS !== undefined) throw new Error(why, { cause: error })
    return t.skip(why)
  }
  const { url } = await startProcesses(t, { listen: { port: 0, tls: { cert, key } } })
  assert.match(url, /^https:/)
  const ca = readFileSync(cert)
  const pids = new Set<number>()
  for (let i = 0; i < 4; i++) {
    const { pid } = await new Promise<{ pid: number }>((resolve, reject) => {
      const sent = request(new URL('/pid', url), { ca, agent: false }, (response) => {
        json(response).then((body) => resolve(body as { pid: number }), reject)
      })
      sent.on('error', reject)
      sent.end()
    })
    pids.add(pid)
  }
  assert.equal(pids.size, 2)
})
