/**
 * The yardstick: what a hop costs when it does nothing but relay. koa and undici's pool, as a good
 * engineer would write it in an afternoon: read, parse, strip the prefix off the tool's name, send,
 * read, parse, answer. No session, no check, no header of the protocol.
 *
 * Usage: node floor.ts <upstream url>. Reports its url over IPC.
 */
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import Koa from 'koa'
import { Pool } from 'undici'

const PREFIX = 'demo__'

const upstream = new URL(process.argv[2] as string)
const pool = new Pool(upstream.origin)
const app = new Koa()

app.use(async (ctx) => {
  const message = JSON.parse(await read(ctx.req))
  if (message.method === 'tools/call')
    message.params.name = message.params.name.slice(PREFIX.length)
  const { statusCode, body } = await pool.request({
    method: 'POST',
    path: upstream.pathname,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify(message),
  })
  const answer = JSON.parse(await body.text())
  ctx.status = statusCode
  ctx.type = 'application/json'
  ctx.body = JSON.stringify(answer)
})

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
