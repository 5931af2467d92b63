import { setImmediate, setTimeout } from 'node:timers/promises'
import { GatewayError, messageOf, type Problem } from '../../core/hooks/errors.ts'
import { type Event, type Plugin, ServiceError, type ToolDefinition } from '../index.ts'
import type { TestGateway } from './gateway.ts'
import type { TestOptions, testPlugin } from './index.ts'

/** What the engine says to a write into something frozen. */
const WRITE =
  /^Cannot (?:assign to read only property|add property|delete property|redefine property|define property)|object is not extensible|is read-only$/

/** Time is moved until a hook that waits is given up. */
const TIMED_OUT = /^did not settle within \d+ ms$/

const TOOL: ToolDefinition = {
  name: 'echo',
  description: 'Says what it is told.',
  inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
  annotations: { readOnlyHint: true },
}
const ARGS = { text: 'hello', deep: { list: [1, { inner: 'text' }], flag: true } }
const HEADERS = { authorization: 'Bearer none', 'x-api-key': 'none' }

/**
 * Runs a plugin's hooks with everything frozen: lists, calls, refusals, events, status and stop. What hooks may
 * not do, and what they throw, is told.
 * @param start builds a gateway around it
 * @returns what it does that no plugin may
 */
export async function conductProblems(
  plugin: Plugin,
  config: unknown,
  options: TestOptions,
  start: typeof testPlugin,
): Promise<Problem[]> {
  let gateway: TestGateway
  try {
    gateway = await start(plugin, config, withTools(options))
  } catch (cause) {
    const hint = 'Give checkPlugin `config` and `options` with which it can start in a test.'
    if (cause instanceof GatewayError) {
      return cause.problems.map((one) =>
        one.code === 'PLUGIN_START_FAILED' ? { ...one, hint } : one,
      )
    }
    const reason = `does not start: ${messageOf(cause)}`
    return [{ code: 'PLUGIN_START', where: `plugin ${plugin.name}`, reason, hint }]
  }
  await exercise(gateway)
  return misconduct(gateway.events, plugin.name)
}

/** What the plugin's hooks did wrong, one problem per hook: writes before other failures. */
function misconduct(events: readonly Event[], plugin: string): Problem[] {
  const writes = new Map<string, Problem>()
  const failures = new Map<string, Problem>()
  const where = `plugin ${plugin}`
  for (const event of events) {
    if (event.type !== 'plugin.failed' || event.plugin !== plugin) continue
    const { hook, cause } = event
    const text = messageOf(cause)
    if (cause instanceof TypeError && WRITE.test(text)) {
      const reason = `its hook ${hook} changes what it was given: ${text}`
      const hint = 'Return a changed copy in its place.'
      writes.set(hook, { code: 'PLUGIN_WRITES', where, reason, hint })
      continue
    }
    // What a test has not, and what services could not do there, is no mistake of the plugin.
    if (TIMED_OUT.test(text) || cause instanceof ServiceError) continue
    const reason = `its hook ${hook} failed when it was run: ${text}`
    const hint =
      'Mend it, or give checkPlugin `config` and `options` with which it can run in a test.'
    failures.set(hook, { code: 'PLUGIN_FAILS', where, reason, hint })
  }
  return [...new Map([...failures, ...writes]).values()]
}

/** A message on its way, and an answer. */
const reply: NonNullable<TestOptions['reply']> = (_call, tell) => {
  const params = { progressToken: 1, progress: 1, message: 'half' }
  tell({ jsonrpc: '2.0', method: 'notifications/progress', params })
  return { content: [{ type: 'text', text: 'ok' }], structuredContent: { deep: ['ok'] } }
}

function withTools(given: TestOptions): TestOptions {
  const options = { reply, ...given }
  if (options.tools !== undefined) return options
  const claiming = Object.keys(options.upstreams ?? {})
  const ids = claiming.length === 0 ? ['demo'] : claiming
  return { ...options, tools: Object.fromEntries(ids.map((id) => [id, [TOOL]])) }
}

/** Everything that can be brought about from outside. How it ends does not matter here. */
async function exercise(gateway: TestGateway): Promise<void> {
  const steps: (() => unknown)[] = [
    () => gateway.list(),
    () => gateway.authenticate(HEADERS),
    () => gateway.authenticate(),
    () => gateway.challenges(HEADERS),
    // What plugins offer themselves is not called: it may do what a check must not.
    ...gateway.entries
      .filter(({ targets }) => targets.some(({ upstream }) => upstream !== ''))
      .map(
        ({ name }) =>
          () =>
            gateway.call(name, ARGS, { meta: { trace: { id: '1' } } }),
      ),
    () => gateway.call('no_such_tool', ARGS),
    () => gateway.status(),
    () => gateway.health(),
    () => gateway.stop(),
  ]
  for (const step of steps) await ended(step, gateway)
}

/** Waits for a step, and moves time where the plugin waits for it. */
export async function ended(step: () => unknown, gateway: TestGateway): Promise<void> {
  let isOver = false
  const over = (async () => step())()
    // The plugin's failures are events; what a step itself says is of no interest.
    .catch(() => {})
    .finally(() => {
      isOver = true
    })
  const patience = new AbortController()
  const timer = setTimeout(250, undefined, { signal: patience.signal }).catch(() => {})
  await Promise.race([over, timer])
  patience.abort()
  for (let turn = 0; turn < 300 && !isOver; turn++) {
    gateway.clock.advance(1_000)
    await setImmediate()
  }
}
