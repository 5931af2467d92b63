/**
 * A gateway in front of one stdio server that is killed and started again, as often as a message over IPC says
 * (`restarts`), with its time moved so that nobody waits for delays. Usage: node restarts.ts. Reports its url.
 */
import { type Driven, until } from '../../e2e/upstreams/gateway.ts'
import { driveScript } from '../../e2e/upstreams/script.ts'

const ends: (() => unknown)[] = []
const gateway = await driveScript({ after: (run) => ends.unshift(run) }, '')
await gateway.ready()

async function restart({ call, passUntil, status }: Driven): Promise<void> {
  const pid = Number((await call('up__pid')).result?.content[0]?.text)
  process.kill(pid, 'SIGKILL')
  await until(() => status().up?.state !== 'ready')
  await passUntil(() => status().up?.state === 'ready')
}

process.on('message', ({ restarts }: { restarts?: number }) => {
  if (restarts === undefined) return
  const all = async () => {
    for (let n = 0; n < restarts; n++) await restart(gateway)
  }
  all().then(
    () => process.send?.({ restarted: restarts }),
    (cause: Error) => {
      console.error(cause)
      process.exit(1)
    },
  )
})
process.once('SIGTERM', async () => {
  for (const end of ends) await end()
  process.exit()
})
process.send?.({ url: gateway.url })
