/**
 * The floor in front of a server on pipes: koa on one side, lines of JSON on the other. As little as many clients
 * on one pipe allow: the tool's prefix is stripped, the id is replaced by one of its own and put back.
 *
 * Usage: node stdio-floor.ts <program> <arguments…>. Reports its url over IPC.
 */
import { spawn } from 'node:child_process'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import Koa from 'koa'

const PREFIX = 'demo__'

const [program, ...rest] = process.argv.slice(2) as [string, ...string[]]
const server = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
const waiting = new Map<number, (answer: { id: unknown }) => void>()
let ids = 0

createInterface({ input: server.stdout }).on('line', (line) => {
  const answer = JSON.parse(line)
  const resolve = waiting.get(answer.id)
  waiting.delete(answer.id)
  resolve?.(answer)
})

function relay(message: { id: unknown }): Promise<{ id: unknown }> {
  return new Promise((resolve) => {
    const { id } = message
    const own = ++ids
    waiting.set(own, (answer) => {
      answer.id = id
      resolve(answer)
    })
    message.id = own
    server.stdin.write(`${JSON.stringify(message)}\n`)
  })
}

const app = new Koa()
app.use(async (ctx) => {
  const message = JSON.parse(await read(ctx.req))
  if (message.method === 'tools/call')
    message.params.name = message.params.name.slice(PREFIX.length)
  const answer = await relay(message)
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

const door = app.listen(0, '127.0.0.1', () => {
  const { port } = door.address() as AddressInfo
  process.send?.({ url: `http://127.0.0.1:${port}/mcp` })
})
process.once('disconnect', () => process.exit())
process.once('SIGTERM', () => process.exit())
process.once('exit', () => server.kill())
