// A client that uses everything a server offers, through a gateway: client.ts <era> <the server's URL>.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { startWith } from '../fixtures/gateway.ts'
import { type Era, REVISION } from '../fixtures/raw.ts'

const ends: (() => unknown)[] = []
const scope = { after: (run: () => unknown) => void ends.push(run) }

interface ToolCall {
  readonly name: string
  readonly arguments: Record<string, unknown>
}

try {
  const [era, server] = process.argv.slice(2)
  await drive(era as Era, server as string)
} finally {
  for (const end of ends.reverse()) await end()
}

async function drive(era: Era, server: string): Promise<void> {
  const gateway = await startWith(scope, {
    upstreams: { suite: { url: server, prefix: '' } },
    plugins: [{ use: 'auth-none' }],
  })
  await gateway.ready()
  const mode = era === 'modern' ? { pin: REVISION.modern } : 'legacy'
  const client = new Client(
    { name: 'conformance-driver', version: '1.0.0' },
    { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode } },
  )
  client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: {} }))
  await client.connect(new StreamableHTTPClientTransport(new URL(gateway.url)))
  scope.after(() => client.close())

  const { tools } = await client.listTools()
  for (const call of callsFor(tools)) {
    // What a scenario's server makes of a call is for the scenario to judge.
    await client.callTool(call).catch((reason: unknown) => console.error(call.name, reason))
  }
  const has = client.getServerCapabilities() ?? {}
  if (has.resources !== undefined) {
    const { resources } = await client.listResources()
    for (const { uri } of resources) await client.readResource({ uri })
  }
  if (has.prompts !== undefined) {
    const { prompts } = await client.listPrompts()
    for (const { name } of prompts) await client.getPrompt({ name })
  }
}

type Listed = Awaited<ReturnType<Client['listTools']>>['tools'][number]

/** The calls that the scenario wants; one of every tool when it does not say. */
function callsFor(tools: readonly Listed[]): ToolCall[] {
  const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}') as {
    toolCalls?: ToolCall[]
  }
  if (context.toolCalls !== undefined) return context.toolCalls
  const [first] = tools
  return tools.map(({ name, inputSchema }) => {
    const wanted = Object.entries(inputSchema.properties ?? {}).map(([key, schema]) => [
      key,
      // One scenario wants to see what a client was shown of its first tool.
      key === 'schema' ? first?.inputSchema : example(schema as { type?: unknown }),
    ])
    return { name, arguments: Object.fromEntries(wanted) }
  })
}

function example({ type }: { type?: unknown }): unknown {
  if (type === 'number' || type === 'integer') return 1
  if (type === 'boolean') return true
  if (type === 'object') return {}
  return type === 'array' ? [] : 'example'
}
