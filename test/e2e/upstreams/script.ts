import type { Scope } from '../../fixtures/gateway.ts'
import { type Driven, drive } from './gateway.ts'

/** A stdio server in a few lines; `acts` says what is different about it. */
const SERVER = `
import { createInterface } from 'node:readline'
import { appendFileSync } from 'node:fs'
export const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n')
const say = (id, result) => send({ id, result })
const text = (words) => ({ content: [{ type: 'text', text: String(words) }] })
const note = (words) => appendFileSync('notes.txt', words + '\\n')
note('started')
const tool = (name) => ({ name, inputSchema: { type: 'object' } })
const acts = {
  'server/discover': ({ id }) => send({ id, error: { code: -32601, message: 'no such method' } }),
  initialize: ({ id }) => say(id, { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: {} }),
  'tools/list': ({ id }) => say(id, { tools: [tool('run'), tool('pid')] }),
  'tools/call': ({ id, params: { name, arguments: args } }) =>
    say(id, text(name === 'pid' ? process.pid : JSON.stringify(args))),
}
/* HERE */
createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line)
  note(message.method ?? 'answer')
  acts[message.method]?.(message)
})
`

/** A gateway in front of one stdio server, `up`, that differs from a good one by these lines, and others. */
export function driveScript(
  scope: Scope,
  lines: string,
  settings: object = {},
  plugins: object[] = [],
  others: object = {},
  files: Record<string, string> = {},
): Promise<Driven> {
  return drive(
    scope,
    // Time may fly while a process starts.
    {
      up: { command: [process.execPath, 'server.mjs'], connectTimeout: '30m', ...settings },
      ...others,
    },
    { files: { ...files, 'server.mjs': SERVER.replace('/* HERE */', () => lines) }, plugins },
  )
}
