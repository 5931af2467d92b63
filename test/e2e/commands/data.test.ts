// Two gateways cannot share a data folder, and commands never reach the wrong one.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type RunningGateway, type Scope, startWith } from '../../fixtures/gateway.ts'
import { fileOf, patchbay } from './patchbay.ts'

const ADMIN = { host: '127.0.0.1', port: 0 }

function start(t: Scope, config: object = {}): Promise<RunningGateway> {
  return startWith(t, { admin: ADMIN, plugins: [{ use: 'auth-none' }], ...config })
}

/** A config beside that of a gateway, with the same data. */
function beside({ folder }: RunningGateway, name = 'other.yaml'): string {
  const file = join(folder, name)
  writeFileSync(file, 'data: ./data\nplugins: [{ use: auth-none }]\nlisten: { port: 0 }\n')
  return file
}

test('commands for another file say which one the gateway runs', async (t) => {
  const gateway = await start(t)
  const other = beside(gateway)
  for (const args of [
    ['status', other],
    ['refresh', 'x', other],
    ['auth-none', 'x', '--config', other],
  ]) {
    const { code, out, err } = await patchbay(...args)
    assert.deepEqual([code, out], [1, ''])
    assert.match(
      err,
      /other\.yaml data: the gateway that runs with \S+data runs \S+patchbay\.yaml\. Name that file, /,
    )
  }
  assert.match((await patchbay('status', fileOf(gateway))).out, /^Config \S+patchbay\.yaml$/m)
})

test('a gateway does not start on data that another one uses, and leaves them alone', async (t) => {
  const first = await start(t)
  const { data } = first.config
  const before = readFileSync(join(data, 'admin.json'), 'utf8')
  for (const admin of [ADMIN, false]) {
    await assert.rejects(start(t, { data, admin }), (error: Error) => {
      assert.match(
        error.message,
        /data: \S+data is in use by a gateway that runs \S+patchbay\.yaml \(process \d+\)\. Stop /,
      )
      return true
    })
  }
  assert.match((await patchbay('start', fileOf(first))).err, /runs this file already/)
  assert.equal(readFileSync(join(data, 'admin.json'), 'utf8'), before)
  assert.equal((await patchbay('status', fileOf(first))).code, 0)
  await first.stop()
  await start(t, { data })
})

test('what a killed gateway left behind keeps nobody from starting, and tells commands the truth', async (t) => {
  const gone = await start(t)
  const { data } = gone.config
  const files = ['admin.json', 'admin-token'].map((name) => join(data, name))
  const left = files.map((file) => readFileSync(file, 'utf8'))
  await gone.stop()
  for (const [index, file] of files.entries()) writeFileSync(file, left[index] as string)
  const { err } = await patchbay('status', beside(gone))
  assert.match(err, /no gateway runs with this file \(one ran \S+patchbay\.yaml with the same data/)
  const next = await start(t, { data })
  assert.equal((await patchbay('status', fileOf(next))).code, 0)
})

test('a gateway that stops takes away its own files and no others', async (t) => {
  const gateway = await start(t)
  const file = join(gateway.config.data, 'admin.json')
  const token = join(gateway.config.data, 'admin-token')
  writeFileSync(token, 'of another gateway')
  await gateway.stop()
  assert.deepEqual([existsSync(file), readFileSync(token, 'utf8')], [true, 'of another gateway'])
  const other = await start(t)
  await other.stop()
  assert.equal(existsSync(join(other.config.data, 'admin.json')), false)
})
