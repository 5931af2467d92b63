// Every line of the SDK that is out there, by real releases, uses everything of every kind of server.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  Client as CurrentClient,
  StreamableHTTPClientTransport as CurrentTransport,
} from '@modelcontextprotocol/client'
import { EventSource } from 'undici'
import { house, UPSTREAMS } from './house.ts'

/** What all lines have in common. Their types differ in ways that do not matter here. */
// biome-ignore lint/suspicious/noExplicitAny: seven releases of one class
type AnyClient = any

interface Release {
  /** The revision it ends up with. */
  readonly revision: string
  /** Whether it can be asked: elicitation came with 2025-06-18. */
  readonly asks: boolean
  /** @param told called for every changed list of tools */
  open(told: () => void): Promise<{ client: AnyClient; wire: new (url: URL) => AnyClient }>
  /** Where it comes in, if not at the endpoint. */
  readonly path?: string
}

const NAME = { name: 'real-client', version: '1' }
const ANSWER = { action: 'accept', content: { name: 'Ada' } }

/** A release of the SDK before it was split. */
function former(version: string, revision: string, asks: boolean): Release {
  const of = (path: string): Promise<AnyClient> => import(`sdk-${version}/${path}`)
  return {
    revision,
    asks,
    async open(told) {
      const { Client } = await of('client/index.js')
      const { StreamableHTTPClientTransport: wire } = await of('client/streamableHttp.js')
      const types = await of('types.js')
      const client = new Client(NAME, { capabilities: asks ? { elicitation: {} } : {} })
      client.setNotificationHandler(types.ToolListChangedNotificationSchema, told)
      if (asks) client.setRequestHandler(types.ElicitRequestSchema, () => ANSWER)
      return { client, wire }
    },
  }
}

/** The last release before Streamable HTTP: it knows HTTP+SSE only. */
function sse(version: string, revision: string): Release {
  return {
    ...former(version, revision, false),
    path: '/sse',
    async open(told) {
      // Node has it behind a flag only.
      Object.assign(globalThis, { EventSource })
      const { Client } = await import(`sdk-${version}/client/index.js`)
      const { SSEClientTransport: wire } = await import(`sdk-${version}/client/sse.js`)
      const types = await import(`sdk-${version}/types.js`)
      const client = new Client(NAME, { capabilities: {} })
      client.setNotificationHandler(types.ToolListChangedNotificationSchema, told)
      return { client, wire }
    },
  }
}

/** The client of the current line. */
function current(mode: 'auto' | 'legacy' | { pin: string }, revision: string): Release {
  return {
    revision,
    asks: true,
    async open(onChanged) {
      const client = new CurrentClient(NAME, {
        capabilities: { elicitation: { form: {} } },
        versionNegotiation: { mode },
        listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged } },
      })
      client.setRequestHandler('elicitation/create', () => ANSWER as never)
      return { client, wire: CurrentTransport }
    },
  }
}

const RELEASES: Readonly<Record<string, Release>> = {
  'sdk 1.0.4': sse('1.0.4', '2024-11-05'),
  'sdk 1.10.2': former('1.10.2', '2024-11-05', false),
  'sdk 1.12.1': former('1.12.1', '2025-03-26', false),
  'sdk 1.17.5': former('1.17.5', '2025-06-18', true),
  'sdk 1.24.3': former('1.24.3', '2025-11-25', true),
  'sdk 1.32.2': former('1.32.2', '2025-11-25', true),
  'client 2, modern': current({ pin: '2026-07-28' }, '2026-07-28'),
  'client 2, auto': current('auto', '2026-07-28'),
  'client 2, legacy': current('legacy', '2025-11-25'),
}

test('every release of the SDK uses everything of every kind of server', async (t) => {
  const { gateway, change } = await house(t)
  for (const [name, { revision, asks, open, path = '/mcp' }] of Object.entries(RELEASES)) {
    await t.test(name, { timeout: 20_000 }, async () => {
      const told = Promise.withResolvers<void>()
      const { client, wire: Wire } = await open(told.resolve)
      const wire = new Wire(new URL(path, gateway.url))
      const heard: string[] = []
      await client.connect(wire)
      try {
        const spoken =
          client.getNegotiatedProtocolVersion?.() ?? wire.protocolVersion ?? wire._protocolVersion
        if (spoken !== undefined) assert.equal(spoken, revision)

        const names = (await client.listTools()).tools.map((tool: { name: string }) => tool.name)
        const call = async (tool: string, args: object = {}, options: object = {}) => {
          const request = { name: tool, arguments: args }
          // The options were behind a schema until the line was split.
          const rest = client instanceof CurrentClient ? [options] : [undefined, options]
          return client.callTool(request, ...rest)
        }
        for (const up of UPSTREAMS) {
          assert.ok(names.includes(`${up}__echo`), `${up} in ${names}`)
          const { content } = await call(`${up}__echo`, { message: 'héllo 🌍' })
          assert.deepEqual(content, [{ type: 'text', text: 'Echo: héllo 🌍' }], up)
        }

        const isSse = path === '/sse'
        const slow = ['v2__slow', 'http__trigger-long-running-operation']
        // What comes in one read with the result is lost in that release itself: the last step may be.
        for (const tool of isSse ? slow.slice(1) : slow) {
          heard.length = 0
          const onprogress = (step: { progress: number; total: number }) =>
            heard.push(`${step.progress} of ${step.total}`)
          const args = tool === 'v2__slow' ? {} : { duration: 0.3, steps: 3 }
          await call(tool, args, { onprogress })
          const steps = ['1 of 3', '2 of 3', '3 of 3']
          assert.deepEqual(
            isSse ? heard.slice(0, 2) : heard,
            isSse ? steps.slice(0, 2) : steps,
            tool,
          )
        }

        const failed = await call('v2__fail')
        assert.deepEqual([failed.isError, failed.content[0].text], [true, 'it went wrong'])
        await assert.rejects(call('v2__nothing'), { code: -32602 })

        const { prompts } = await client.listPrompts()
        assert.ok(prompts.some((one: { name: string }) => one.name === 'stdio__simple-prompt'))
        const { messages } = await client.getPrompt({ name: 'v2__greet' })
        assert.equal(messages[0].content.text, 'Greet!')
        const { resources } = await client.listResources()
        assert.ok(resources.some((one: { uri: string }) => one.uri === 'note://one'))
        const { contents } = await client.readResource({ uri: 'note://one' })
        assert.equal(contents[0].text, 'noted')

        const answered = await call('v2__ask')
        if (asks) assert.equal(answered.content[0].text, 'Hello Ada')
        else assert.match(answered.content[0].text, /cannot be asked here/)

        change()
        await told.promise
      } finally {
        await wire.terminateSession?.()
        await client.close()
      }
    })
  }
})
