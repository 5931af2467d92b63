/**
 * What an open stream costs that does nothing: a server of Node's alone that begins an answer to every
 * request and never ends it. Usage: node bare.ts. Reports its url over IPC.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const server = createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: {}\n\n')
  })
})
server.listen(0, '127.0.0.1', 16_384, () => {
  const { port } = server.address() as AddressInfo
  process.send?.({ url: `http://127.0.0.1:${port}/mcp` })
})
