// Strict means: whatever was answered is in the database, also when the process was killed that moment.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test from 'node:test'
import { modernUpstream } from '../../fixtures/upstreams.ts'
import { Wire } from '../wire/wire.ts'
import { eventually, startProcesses } from '../workers/processes.ts'

for (const workers of [1, 2]) {
  test(`a gateway that is killed in a burst has recorded every call it answered (${workers} workers)`, async (t) => {
    const upstream = await modernUpstream(t)
    const gateway = await startProcesses(t, {
      workers,
      upstreams: { demo: { url: upstream.url } },
      plugins: [
        { use: 'auth-none' },
        { use: 'audit', config: { strict: true, arguments: 'redacted' } },
      ],
    })
    const wires = Array.from({ length: 8 }, () => new Wire(t, gateway.url))
    for (const wire of wires) {
      await eventually(async () => (await wire.modern('tools/list')).json.result.tools.length > 0)
    }
    const answered: string[] = []
    let sent = 0
    let killed = false
    const lane = async (wire: Wire) => {
      while (!killed) {
        const n = `${sent++}`
        const params = { name: 'demo__echo', arguments: { text: n } }
        const answer = await wire.modern('tools/call', params).catch(() => undefined)
        if (answer?.json?.result?.content?.[0]?.text === n) answered.push(n)
        if (answered.length < 500 || killed) continue
        killed = true
        // The whole gateway, workers and all.
        process.kill(-gateway.pid, 'SIGKILL')
      }
    }
    await Promise.all(wires.flatMap((wire) => Array.from({ length: 8 }, () => lane(wire))))
    await gateway.ended
    assert.ok(answered.length >= 500)
    const db = new DatabaseSync(join(gateway.folder, 'data/patchbay.db'))
    const rows = db
      .prepare("select record ->> '$.arguments.text' as n from audit__records where kind = 'call'")
      .all()
    db.close()
    const recorded = new Set(rows.map(({ n }) => n))
    assert.equal(recorded.size, rows.length)
    assert.deepEqual(
      answered.filter((n) => !recorded.has(n)),
      [],
    )
  })
}
