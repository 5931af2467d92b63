import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { isRunning } from '../../../core/boot/admin/occupant.ts'

async function listen(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The id of a process that is over. */
async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ['--version'])
  await once(child, 'close')
  return child.pid as number
}

test('something else that listens on a gateway’s old port is no gateway', async (t) => {
  for (const text of ['hello', '{"hello":1}', '[]']) {
    const url = await listen(t, (_, response) => response.end(text))
    assert.equal(await isRunning({ url, token: 'x', pid: process.pid }), false, text)
  }
  const url = await listen(t, (_, response) => response.writeHead(401).end('{"schema":1}'))
  assert.equal(await isRunning({ url, token: 'x', pid: process.pid }), false)
})

test('a gateway that accepts and never answers runs, as long as its process does', async (t) => {
  const url = await listen(t, () => {})
  assert.equal(await isRunning({ url, token: 'x', pid: process.pid }, 50), true)
  assert.equal(await isRunning({ url, token: 'x', pid: await deadProcess() }, 50), false)
  assert.equal(await isRunning({ url, token: 'x' }, 50), false)
})
