import type { ServerResponse } from 'node:http'
import type { Scope } from '../../fixtures/gateway.ts'
import { serve } from '../../fixtures/upstreams.ts'
import { type Message, type Said, TOOLS } from './stub.ts'

type SseAct = (said: Said, stub: SseStub, response: ServerResponse) => unknown

/** A server of HTTP+SSE (2024-11-05) written by hand, with one stream at a time. */
export class SseStub {
  url = ''
  readonly said: Said[] = []
  /** What to do with a method in place of the usual. A result is sent on the stream. */
  readonly acts: Record<string, SseAct> = {}
  /** What the `endpoint` event names. */
  endpoint: string | undefined = '/messages?sessionId=1'
  /** The status of an accepted POST. */
  accepted = 202
  stream: ServerResponse | undefined

  of(method: string): Said[] {
    return this.said.filter(({ http, message }) => (message.method ?? http) === method)
  }

  /** Sends one message on the stream. */
  send(message: object): void {
    this.stream?.write(
      `event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`,
    )
  }

  /** Answers a request. */
  answer({ id }: Message, words: string): void {
    this.send({ id, result: { content: [{ type: 'text', text: words }] } })
  }

  handle(said: Said, path: string, response: ServerResponse): void {
    this.said.push(said)
    const { http, message } = said
    const { method } = message
    const act = this.acts[method ?? http]
    if (http === 'GET') {
      if (act !== undefined) return void act(said, this, response)
      this.stream = response
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.flushHeaders()
      if (this.endpoint !== undefined) {
        response.write(`event: endpoint\ndata: ${this.endpoint}\n\n`)
      }
      return
    }
    if (path !== this.endpoint) return void response.writeHead(404).end('Cannot POST')
    if (act !== undefined) return void act(said, this, response)
    response.writeHead(this.accepted).end('Accepted')
    if (method === 'initialize') {
      const serverInfo = { name: 'old\u001b[31m', version: '0.9' }
      const capabilities = { tools: { listChanged: true }, logging: {} }
      this.send({
        id: message.id,
        result: { protocolVersion: '2024-11-05', capabilities, serverInfo },
      })
    } else if (method === 'tools/list') this.send({ id: message.id, result: { tools: TOOLS } })
    else if (method === 'tools/call') this.answer(message, 'ok')
    else if (message.id !== undefined && method !== undefined)
      this.send({ id: message.id, result: {} })
  }
}

/** Such a stub that listens until the scope ends; its stream is at `/sse`. */
export async function sseStub(scope: Scope): Promise<SseStub> {
  const stub = new SseStub()
  const url = await serve(scope, async (request, response) => {
    const text = Buffer.concat(await request.toArray()).toString('utf8')
    const message = text === '' ? {} : JSON.parse(text)
    const { method: http = '', headers, rawHeaders: raw, url: path = '' } = request
    stub.handle({ http, headers, raw, text, message }, path, response)
  })
  stub.url = new URL('/sse', url).href
  return stub
}
