// A process that starts a gateway, uses every kind of upstream once, stops it, and says what is left.
import { driveScript } from './script.ts'

const [legacy, modern] = process.argv.slice(2)
const ends: (() => unknown)[] = []
const scope = { after: (run: () => unknown) => void ends.push(run) }

const gateway = await driveScript(scope, '', {}, [], {
  legacy: { url: legacy },
  modern: { url: modern },
  up: undefined,
  script: { command: [process.execPath, 'server.mjs'] },
})
await gateway.ready()
for (const name of ['legacy__look', 'modern__look', 'script__run']) await gateway.call(name)
const states = Object.entries(gateway.status()).map(([id, { state }]) => [id, state])
for (const end of ends) await end()
// Our own client's connections and stdout are not the gateway's.
const left = () =>
  process.getActiveResourcesInfo().filter((one) => /Process|Server|Timeout/.test(one))
// A handle that is being closed counts for a turn or two more.
for (let turn = 0; left().length > 0 && turn < 100; turn++) {
  await new Promise((resolve) => setImmediate(resolve))
}
console.log(JSON.stringify(Object.fromEntries(states)), JSON.stringify(left()))
