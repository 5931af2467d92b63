/**
 * What a list costs that is served from memory: koa, which reads the request and answers with the bytes of
 * another server's answer and the request's own id.
 *
 * Usage: node list-server.ts <url of a modern server>. Reports its url over IPC.
 */
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import Koa from 'koa'
import { Connection } from '../connection.ts'
import { CallRequest } from '../wire.ts'

const url = process.argv[2] as string
const aim = { url, era: 'modern', tool: '', method: 'tools/list', headers: {} } as const
const request = new CallRequest(aim, undefined)
const connection = await Connection.open(url)
const answer = (await connection.exchange(request.bytes)).body.toString()
connection.close()
const id = request.expected.toString()
if (!answer.includes(id)) throw new Error(`no list: ${answer.slice(0, 300)}`)
const [before, after] = answer.split(id) as [string, string]

const app = new Koa()
app.use(async (ctx) => {
  const message = JSON.parse(await read(ctx.req))
  ctx.type = 'application/json'
  ctx.body = `${before}"id":${message.id}${after}`
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
