import assert from 'node:assert/strict'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { type Steered, steered } from '../wire/steered.ts'
import type { Wire } from '../wire/wire.ts'

/** A plugin of that name with these parts of its hooks, as source text. */
export function plugin(hooks: string, phase = 'guard'): string {
  return `import { answer, change, definePlugin, deny } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: 'bad', version: '1.0.0', phase: '${phase}',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({ ${hooks} }),
})
`
}

const WATCH = `import { definePlugin } from 'mcp-patchbay/sdk'
const finished = []
export default definePlugin({
  name: 'watch', version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup() {
    const finished = []
    return {
      observe(event) { if (event.type === 'call.finished') finished.push(event.outcome) },
      routes(routes) {
        routes.add({ method: 'GET', path: '/finished', access: 'public', handle(ctx) { ctx.body = finished } })
      },
    }
  },
})
`

/** A gateway with a plugin that fails. */
export interface Started extends Steered {
  readonly clock: FakeClock
  /** The outcomes of the calls so far. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into outcomes of every shape
  finished(): Promise<any[]>
}

/** Starts a gateway with that plugin between one that authenticates and one that watches. */
export async function start(
  scope: { after(run: () => unknown): void },
  source: string,
  line: object = {},
): Promise<Started> {
  const clock = new FakeClock()
  const plugins = [{ use: './steer.ts' }, { use: './bad.ts', ...line }, { use: './watch.ts' }]
  const files = { 'bad.ts': source, 'watch.ts': WATCH }
  const all = await steered(scope, { plugins }, { files, clock })
  return {
    ...all,
    clock,
    finished: async () =>
      (await all.wire.send('GET', {}, undefined, '/finished')).messages[0] as [],
  }
}

/** Calls the tool `echo`. */
export const call = (wire: Wire) => wire.modern('tools/call', { name: 'echo' })

/** Lets time pass until the answer is there. @returns how many milliseconds that took */
export async function passing(
  clock: FakeClock,
  answer: Promise<unknown>,
  wire: Wire,
): Promise<number> {
  const from = clock.monotonic()
  let there = false
  const settled = () => {
    there = true
  }
  answer.then(settled, settled)
  while (!there) {
    clock.advance(250)
    // A request in between, so that what was sent before is taken up.
    await wire.send('GET', {}, undefined, '/live')
  }
  return clock.monotonic() - from
}

/** The log names plugin, hook and cause. */
export function blames({ gateway }: Steered, hook: string, cause: RegExp): void {
  const line = gateway.log.find((one) => one.hook === hook)
  assert.equal(line?.plugin, 'bad', JSON.stringify(gateway.log))
  assert.match(String(line?.msg), new RegExp(`^plugin bad, hook ${hook}: `))
  assert.match(String(line?.msg), cause)
}
