/**
 * The yardstick: what a hop costs when it does nothing but relay. koa and undici's pool, as a good
 * engineer would write it in an afternoon: read, parse, strip the prefix off the tool's name, send,
 * read, parse, answer. No check, no header of the protocol; one session for all where the upstream
 * wants one. An answer that streams is read to its end and parsed; several messages are passed on as a stream.
 *
 * Usage: node floor.ts <upstream url> [legacy]. Reports its url over IPC.
 */
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import Koa from 'koa'
import { Pool } from 'undici'
import { LEGACY } from './wire.ts'

const PREFIX = 'demo__'

const upstream = new URL(process.argv[2] as string)
const pool = new Pool(upstream.origin)
const app = new Koa()
const headers = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  ...(process.argv[3] === 'legacy' ? { 'mcp-session-id': await openSession() } : {}),
}

app.use(async (ctx) => {
  const message = JSON.parse(await read(ctx.req))
  if (message.method === 'tools/call')
    message.params.name = message.params.name.slice(PREFIX.length)
  const answer = await pool.request({
    method: 'POST',
    path: upstream.pathname,
    headers,
    body: JSON.stringify(message),
  })
  const text = await answer.body.text()
  const type = String(answer.headers['content-type'])
  const messages = type.startsWith('text/event-stream') ? events(text) : [JSON.parse(text)]
  ctx.status = answer.statusCode
  if (messages.length === 1) {
    ctx.type = 'application/json'
    ctx.body = JSON.stringify(messages[0])
  } else {
    ctx.type = 'text/event-stream'
    ctx.body = messages.map((one) => `event: message\ndata: ${JSON.stringify(one)}\n\n`).join('')
  }
})

/** The messages of a stream that has ended. */
function events(text: string): unknown[] {
  return text
    .split('\n')
    .flatMap((line) => (line.startsWith('data: ') ? JSON.parse(line.slice(6)) : []))
}

async function openSession(): Promise<string> {
  const { headers: answered, body } = await pool.request({
    method: 'POST',
    path: upstream.pathname,
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({
      method: 'initialize',
      params: {
        protocolVersion: LEGACY,
        capabilities: {},
        clientInfo: { name: 'floor', version: '1.0.0' },
      },
      jsonrpc: '2.0',
      id: 0,
    }),
  })
  await body.dump()
  return String(answered['mcp-session-id'])
}

function read(stream: Readable): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    stream.setEncoding('utf8')
    stream.on('data', (chunk: string) => {
      text += chunk
    })
    stream.on('end', () => resolve(text))
    stream.on('error', reject)
  })
}

const server = app.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.send?.({ url: `http://127.0.0.1:${port}/mcp` })
})
process.once('disconnect', () => process.exit())
