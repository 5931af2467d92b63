// What happens very often: calls that end in every way, and servers that die.

import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { answering, callAll } from '../../bench/memory/mix.ts'
import { start, stopAll } from '../../bench/process.ts'
import { leavesNothing } from '../../fixtures/leaks.ts'
import { drive, until } from '../upstreams/gateway.ts'
import { driveScript } from '../upstreams/script.ts'

const server = fileURLToPath(new URL('../../bench/memory/server.ts', import.meta.url))

test('calls of both eras that end in every way leave nothing', async (t) => {
  t.after(stopAll)
  const [modern, legacy] = await Promise.all([
    start([server, 'modern'], undefined),
    start([server, 'legacy'], undefined),
  ])
  const gateway = await drive(t, { modern: { url: modern.url }, legacy: { url: legacy.url } })
  await gateway.ready()
  await answering(gateway.url)
  await leavesNothing(
    () => callAll(gateway.url, 800),
    () => gateway.clock.advance(1_000),
    // Eight clients have a session, remembered by id and by nonce; 16 calls are cancelled, which a link
    // remembers of a thousand (core/outbound/strays.ts).
    { 'entries of maps and sets': 32 },
  )
})

test('a stdio server that is killed and started again and again leaves nothing', async (t) => {
  const gateway = await driveScript(t, '')
  await gateway.ready()
  const ready = () => gateway.status().up?.state === 'ready'
  await leavesNothing(
    async () => {
      for (let n = 0; n < 5; n++) {
        const pid = Number((await gateway.call('up__pid')).result?.content[0]?.text)
        process.kill(pid, 'SIGKILL')
        await until(() => !ready())
        await gateway.passUntil(ready)
      }
    },
    () => gateway.clock.advance(1_000),
  )
})
