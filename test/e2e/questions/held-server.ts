import type { ServerResponse } from 'node:http'
import { Client as FormerClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as FormerTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Scope } from '../../fixtures/gateway.ts'
import { type Message, type Stub, stream, stub } from '../upstreams/stub.ts'

/** What a form asks. */
export const FORM = {
  method: 'elicitation/create',
  params: { message: 'Name?', requestedSchema: { type: 'object', properties: {} } },
}
/** What a client accepts it with. */
export const ADA = { action: 'accept', content: { name: 'Ada' } }
/** What a client of 2026-07-28 declares that can be asked for forms. */
export const ASKABLE = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } }
/** What a call ends with. */
export const DONE = { content: [{ type: 'text', text: 'done' }] }

/** A response of the gateway to a question. */
export interface Answered extends Message {
  readonly result?: unknown
  readonly error?: { readonly code: number; readonly message: string }
}

/** One call that waits at the server. */
export interface Waiting {
  readonly message: Message
  /** Sends any message on its stream. */
  send(message: object): void
  /** Asks, and waits for the answer. */
  ask(question?: object): Promise<Answered>
  /** Answers the call. */
  end(result?: object): void
  /** Cuts the stream. */
  cut(): void
}

/** A server of 2025-11-25 by hand, whose calls do what the test says. */
export class HeldServer {
  readonly stub: Stub
  readonly #answers = new Map<unknown, (answer: Answered) => void>()
  readonly #calls: Waiting[] = []
  readonly #waiting: ((call: Waiting) => void)[] = []
  #asked = 0

  constructor(made: Stub) {
    this.stub = made
    made.acts['tools/call'] = ({ message }, response) => this.#take(message, response)
    made.acts.POST = ({ message }, response) => {
      response.writeHead(202).end()
      this.#answers.get(message.id)?.(message as Answered)
      return undefined
    }
  }

  /** The next call that arrives, or has arrived. */
  next(): Promise<Waiting> {
    const call = this.#calls.shift()
    return call === undefined
      ? new Promise((resolve) => void this.#waiting.push(resolve))
      : Promise.resolve(call)
  }

  /** The answer to a question of that id. */
  answerTo(id: string): Promise<Answered> {
    return new Promise((resolve) => this.#answers.set(id, resolve))
  }

  /** What clients were declared to this server, one per handshake. */
  get declared(): unknown[] {
    return this.stub.of('initialize').map(({ message }) => message.params?.capabilities)
  }

  /** The reasons of its cancelled calls. */
  get cancelled(): unknown[] {
    return this.stub.of('notifications/cancelled').map(({ message }) => message.params?.reason)
  }

  #take(message: Message, response: ServerResponse): undefined {
    const send = stream(response)
    const call: Waiting = {
      message,
      send,
      ask: (question = FORM) => {
        const id = `asked-${++this.#asked}`
        const answer = this.answerTo(id)
        send({ id, ...question })
        return answer
      },
      end: (result = DONE) => {
        send({ id: message.id, result })
        response.end()
      },
      cut: () => response.destroy(),
    }
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#calls.push(call)
    else waiting(call)
    return undefined
  }
}

/** Starts one. */
export async function heldServer(scope: Scope): Promise<HeldServer> {
  return new HeldServer(await stub(scope, 'legacy'))
}

/** A client of 2025-11-25 that can be asked what it declares. */
export async function former(scope: Scope, url: string, capabilities: object) {
  const client = new FormerClient({ name: 'old', version: '1' }, { capabilities })
  scope.after(() => client.close())
  await client.connect(new FormerTransport(new URL(url)) as never)
  return client
}
