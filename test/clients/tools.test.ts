// Programs and libraries of the field that are no release of the SDK.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import {
  ElicitRequestSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import type { Scope } from '../fixtures/gateway.ts'
import { house, UPSTREAMS } from './house.ts'

const MODULES = join(import.meta.dirname, '../../node_modules')
const INSPECTOR = join(MODULES, '@modelcontextprotocol/inspector/clients/launcher/build/index.js')
const AI_SDK: string = '@ai-sdk/mcp'
const REMOTE = join(MODULES, 'mcp-remote/dist/proxy.js')

function folderOf(scope: Scope): string {
  const folder = mkdtempSync(join(tmpdir(), 'patchbay-client-'))
  scope.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('the inspector’s command line, in each of its era settings', async (t) => {
  const { gateway } = await house(t)
  const folder = folderOf(t)
  const config = join(folder, 'servers.json')
  const eras = ['legacy', 'modern', 'auto']
  const mcpServers = Object.fromEntries(
    eras.map((protocolEra) => [protocolEra, { type: 'http', url: gateway.url, protocolEra }]),
  )
  writeFileSync(config, JSON.stringify({ mcpServers }))
  for (const era of eras) {
    await t.test(era, async () => {
      const run = (...words: string[]) =>
        new Promise<{ code: unknown; out: string }>((resolve) => {
          const all = [INSPECTOR, '--cli', '--config', config, '--server', era, '--format', 'json']
          execFile(
            process.execPath,
            [...all, ...words],
            {
              env: { PATH: process.env.PATH, HOME: folder, MCP_INSPECTOR_SECRET_STORE: 'memory' },
              timeout: 30_000,
            },
            (error, stdout, stderr) =>
              resolve({ code: error === null ? 0 : error.code, out: `${stdout}${stderr}` }),
          )
        })
      const tool = (name: string, ...args: string[]) =>
        run('--method', 'tools/call', '--tool-name', name, ...args)
      const [list, called, failed, unknown, prompts, prompt, resources, resource] =
        await Promise.all([
          run('--method', 'tools/list'),
          tool('sse__echo', '--tool-arg', 'message=hello'),
          tool('v2__fail'),
          tool('v2__nothing'),
          run('--method', 'prompts/list'),
          run('--method', 'prompts/get', '--prompt-name', 'v2__greet'),
          run('--method', 'resources/list'),
          run('--method', 'resources/read', '--uri', 'note://one'),
        ])
      for (const up of UPSTREAMS) assert.match(list.out, new RegExp(`"${up}__echo"`), list.out)
      assert.match(called.out, /Echo: hello/)
      assert.match(failed.out, /it went wrong/)
      assert.match(prompts.out, /"stdio__simple-prompt"/)
      assert.match(prompt.out, /Greet!/)
      assert.match(resources.out, /note:\/\/one/)
      assert.match(resource.out, /noted/)
      const codes = [list, called, prompts, prompt, resources, resource].map(({ code }) => code)
      assert.deepEqual(codes, [0, 0, 0, 0, 0, 0])
      assert.match(unknown.out, /not found/)
      assert.deepEqual([failed.code, unknown.code], [5, 5])
    })
  }
})

test('mcp-remote, for clients that can only start programs', async (t) => {
  const { gateway, change } = await house(t)
  const told = Promise.withResolvers<void>()
  const client = new Client(
    { name: 'desktop', version: '1' },
    { capabilities: { elicitation: {} } },
  )
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => told.resolve())
  client.setRequestHandler(ElicitRequestSchema, () => ({
    action: 'accept',
    content: { name: 'Ada' },
  }))
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [REMOTE, gateway.url, '--allow-http', '--transport', 'http-only'],
      env: { PATH: process.env.PATH ?? '', MCP_REMOTE_CONFIG_DIR: folderOf(t) },
      stderr: 'ignore',
    }),
  )
  t.after(() => client.close())
  const textOf = async (name: string, args: Record<string, unknown> = {}) =>
    ((await client.callTool({ name, arguments: args })).content as { text: string }[])[0]?.text
  for (const up of UPSTREAMS) {
    assert.equal(await textOf(`${up}__echo`, { message: 'hello' }), 'Echo: hello')
  }
  const steps: number[] = []
  const onprogress = ({ progress }: { progress: number }) => void steps.push(progress)
  const slow = {
    name: 'http__trigger-long-running-operation',
    arguments: { duration: 0.3, steps: 3 },
  }
  await client.callTool(slow, undefined, { onprogress })
  // What comes in one read with the result is lost in this SDK's own client: the last one may be.
  assert.deepEqual(steps.slice(0, 2), [1, 2])
  assert.equal(await textOf('v2__fail'), 'it went wrong')
  assert.equal(await textOf('v2__ask'), 'Hello Ada')
  await assert.rejects(client.callTool({ name: 'v2__nothing' }), { code: -32602 })
  assert.ok((await client.listPrompts()).prompts.length > 3)
  const { contents } = await client.readResource({ uri: 'note://one' })
  assert.equal((contents[0] as { text: string }).text, 'noted')
  change()
  await told.promise
})

test('the MCP client of the AI SDK', async (t) => {
  const { gateway } = await house(t)
  // Named where the compiler does not look: its types want the rest of that SDK.
  const { createMCPClient } = await import(AI_SDK)
  const client = await createMCPClient({ transport: { type: 'http', url: gateway.url } })
  t.after(() => client.close())
  const tools = await client.tools()
  const options = { toolCallId: '1', messages: [], context: {} }
  // biome-ignore lint/suspicious/noExplicitAny: results of every shape
  const call = async (name: string, args: object = {}): Promise<any> =>
    tools[name]?.execute(args, options as never)
  for (const up of UPSTREAMS) {
    const { content } = await call(`${up}__echo`, { message: 'hello' })
    assert.equal(content[0].text, 'Echo: hello', up)
  }
  const failed = await call('v2__fail')
  assert.deepEqual([failed.isError, failed.content[0].text], [true, 'it went wrong'])
  const { messages } = await client.experimental_getPrompt({ name: 'v2__greet' })
  assert.match(JSON.stringify(messages), /Greet!/)
  const { contents } = await client.readResource({ uri: 'note://one' })
  assert.match(JSON.stringify(contents), /noted/)
})
