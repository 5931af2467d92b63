import assert from 'node:assert/strict'
import { type HttpAnswer, initialize, type Sending, type Wire } from './wire.ts'

type Headers = Readonly<Record<string, string>>

/** A client of HTTP+SSE, spoken to as bytes. */
export interface SseClient {
  readonly stream: Sending
  /** Where it POSTs. */
  readonly url: string
  post(message: object | string, headers?: Headers): Promise<HttpAnswer>
  /** The message with this id, once it has come. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  answer(id: string | number): Promise<any>
  /** Sends a request and waits for its answer. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  ask(id: string | number, method: string, params?: object): Promise<any>
  /** Says hello in this revision. */
  begin(version?: string, capabilities?: object): Promise<void>
}

/** Opens a stream, and waits until it has said where to POST. */
export async function openSse(
  wire: Wire,
  headers: Headers = {},
  path = '/sse',
): Promise<SseClient> {
  const stream = wire.begin('GET', { accept: 'text/event-stream', ...headers }, undefined, path)
  await stream.seen('\n\n')
  const [, reference] = /^event: endpoint\ndata: (.*)\n\n/.exec(stream.raw()) ?? []
  assert.ok(reference, stream.raw())
  const url = new URL(reference, new URL(path, wire.url)).href
  const post = (message: object | string, more: Headers = {}) =>
    wire.begin(
      'POST',
      { 'content-type': 'application/json', ...headers, ...more },
      typeof message === 'string' ? message : JSON.stringify(message),
      url,
    ).answer
  const answer = async (id: string | number) => {
    await stream.seen(`"id":${JSON.stringify(id)},"result"`)
    return stream.heard().find((message) => message.id === id)
  }
  const ask = async (id: string | number, method: string, params?: object) => {
    const { status } = await post({ jsonrpc: '2.0', id, method, params })
    assert.equal(status, 202)
    return answer(id)
  }
  return {
    stream,
    url,
    post,
    answer,
    ask,
    async begin(version = '2024-11-05', capabilities = {}) {
      const hello = initialize(version) as { params: object }
      await post({ ...hello, params: { ...hello.params, capabilities } })
      await answer('hello')
      await post({ jsonrpc: '2.0', method: 'notifications/initialized' })
    },
  }
}
