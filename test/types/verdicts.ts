// What the verdict helpers take, which hooks there are, and what may stand beside them.
import {
  answer,
  ask,
  type Call,
  type Command,
  change,
  deny,
  type HookName,
  type Hooks,
  type OfferedTool,
  type Outcome,
  perCall,
} from 'mcp-patchbay/sdk'

/** Verdicts as they are meant. */
export const right: Hooks = {
  beforeCall(call) {
    if (!call.first) return deny('RATE_LIMITED', 'twice', { retryAfterMs: 1_000, rule: 'once' })
    const [target] = call.candidates
    if (target !== undefined && !call.canAsk('elicitation/create', 'url')) return change({ target })
    if (call.answers.ok?.action === 'accept') return answer({ content: [], structuredContent: {} })
    return ask({ ok: { method: 'elicitation/create', params: { message: 'Sure?' } } })
  },
  onMessage: (_about, message) =>
    message.method === 'notifications/message' ? { ...message, params: {} } : null,
  settle: async (event) => void (event.type === 'call.finished' && event.outcome.kind),
  status: () => ({ since: 1 }),
}

// @ts-expect-error a change says what to change, by these names
change({ arguments: {} })
// @ts-expect-error arguments are an object
change({ args: 'text' })
// @ts-expect-error a target has an upstream and a name
change({ target: 'crm' })
// @ts-expect-error a result is an object
answer('text')
// @ts-expect-error questions stand under keys
ask({ method: 'roots/list', params: {} })
// @ts-expect-error not one of the questions
ask({ ok: { method: 'tools/call', params: {} } })
// @ts-expect-error a denial says what is refused and why
deny('FORBIDDEN')
// @ts-expect-error milliseconds, as a number
deny('RATE_LIMITED', 'too much', { retryAfterMs: '1s' })
// @ts-expect-error `executed` is the kernel's
deny('FORBIDDEN', 'no', { executed: true })

/** Verdicts in hooks that take none, or another. */
export const wrong: readonly Hooks[] = [
  // @ts-expect-error backward an outcome is returned, not a change
  { afterCall: () => change({ args: {} }) },
  // @ts-expect-error after the call nobody is asked
  { afterCall: () => ask({}) },
  // @ts-expect-error a denial does not log anybody in
  { authenticate: () => ask({}) },
  // @ts-expect-error a message or null, not a denial
  { onMessage: () => deny('FORBIDDEN', 'no') },
  // @ts-expect-error what is settled is not changed
  { settle: () => answer({}) },
  // @ts-expect-error health says whether it is well
  { health: () => ({ detail: 'fine' }) },
  // @ts-expect-error tools are a list
  { tools: { say: () => ({}) } },
  // @ts-expect-error a command says what it does
  { commands: { say: { run: () => 'x' } } },
]

/** Names of hooks are a closed list; data beside them is no hook. */
export const names: readonly HookName[] = [
  'beforeCall',
  // @ts-expect-error misspelt
  'beforCall',
  // @ts-expect-error data
  'tools',
]

/** A tool of a plugin's own. */
export const tool: OfferedTool = {
  definition: { name: 'say', inputSchema: { type: 'object' } },
  call: ({ args }) => ({ content: [{ type: 'text', text: String(args.text) }] }),
}

/** What tools and commands must have. */
export const lacking: readonly (OfferedTool | Command)[] = [
  // @ts-expect-error clients must know the arguments
  { definition: { name: 'say' }, call: () => ({}) },
  // @ts-expect-error text or an object
  { description: 'Counts.', run: () => 3 },
]

const started = perCall((call: Call) => call.id.length)

/** State of one's own is kept by the call, with its type. */
export function age(call: Call, outcome: Outcome): number {
  // @ts-expect-error by the call, not by its outcome
  started(outcome)
  // @ts-expect-error a number
  const text: string = started(call)
  return text.length + started(call)
}
