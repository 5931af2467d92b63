import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesInUse } from '../../fixtures/leaks.ts'
import { steered } from './steered.ts'

const MIB = 1024 * 1024

test('bodies of 5 MB, refused or served, keep the connection and leave nothing behind', async (t) => {
  const { wire, stub } = await steered(t, { listen: { bodyLimit: '6MiB' } })
  const session = await wire.session()
  const params = { name: 'fails', arguments: { pad: 'x'.repeat(5 * MIB) } }
  const served = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
  const malformed = served.slice(0, -1)
  const tooLarge = ' '.repeat(6 * MIB + 1)
  const ports = new Set<number | undefined>()
  const round = async () => {
    for (const [body, status] of [
      [served, 200],
      [malformed, 400],
      [tooLarge, 413],
    ] as const) {
      const answer = await wire.post(body, session)
      assert.equal(answer.status, status)
      ports.add(answer.port)
    }
    stub.forget()
  }
  await round()
  const before = await bytesInUse()
  for (let i = 0; i < 8; i++) await round()
  const grown = (await bytesInUse()) - before
  // A client that reads 413 while it still writes cannot use the connection yet, and takes a second.
  assert.ok(ports.size <= 2, `took ${ports.size} connections`)
  assert.ok(grown < 5 * MIB, `grew by ${Math.round(grown / MIB)} MiB`)
})
