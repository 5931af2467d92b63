// What clients of each revision are sent is what its specification's own schema allows, whatever servers say.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { startWith } from '../../fixtures/gateway.ts'
import { json, stream, stub } from '../upstreams/stub.ts'
import { type HttpAnswer, Wire } from '../wire/wire.ts'
import { REVISIONS, type Revision, specJudges } from './spec-schemas.ts'

const JUDGES = specJudges()

/** A schema with every keyword of 2020-12, unknown ones and numbers that JavaScript cannot hold. */
const SCHEMA =
  `{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://example.com/s","$vocabulary":{"https://example.com/v":true},
"$comment":"c","$anchor":"a","$dynamicAnchor":"d","$defs":{"n":{"type":"integer","maximum":9007199254740993}},"type":"object",
"title":"t","description":"\\u2028","default":{"n":1.0},"examples":[{"n":1e400}],"deprecated":false,"readOnly":false,"writeOnly":false,
"properties":{"a":{"$ref":"#/$defs/n"},"b":{"$dynamicRef":"#d"},"c":{"type":["string","null"],"minLength":0,"maxLength":18446744073709551615,"pattern":"^\\\\p{L}$","format":"uuid","contentEncoding":"base64","contentMediaType":"application/json","contentSchema":true},
"d":{"type":"array","prefixItems":[true,false],"items":{"enum":[1.10,null]},"contains":{"const":-0},"minContains":1,"maxContains":2,"minItems":0,"maxItems":3,"uniqueItems":true,"unevaluatedItems":false},
"e":{"type":"number","multipleOf":0.10,"minimum":-1E400,"exclusiveMinimum":0,"exclusiveMaximum":1e2}},
"patternProperties":{"^x-":{}},"additionalProperties":true,"propertyNames":{"maxLength":9},"minProperties":0,"maxProperties":99,"required":["a"],
"dependentRequired":{"a":["b"]},"dependentSchemas":{"a":true},"unevaluatedProperties":{},"allOf":[{}],"anyOf":[{}],"oneOf":[{}],"not":false,"if":{},"then":{},"else":{},
"x-unknown":{"deep":[[[1.0]]]}}`.replaceAll('\n', '')

const TOOL = (name: string, output: string) =>
  `{"name":"${name}","title":"T","description":"d","inputSchema":${SCHEMA},"outputSchema":${output},"annotations":{"readOnlyHint":true,"x":1.0},"icons":[{"src":"https://example.com/i.png","mimeType":"image/png","sizes":["48x48"]}],"execution":{"taskSupport":"optional"},"_meta":{"example.com/n":9007199254740993},"x-unknown":1.0}`
const TOOLS = [
  TOOL('plain', SCHEMA),
  TOOL('list', '{"type":"array","items":{"$ref":"#"}}'),
  TOOL('any', '{}'),
]

const PROMPT = { name: 'tell', title: 'T', arguments: [{ name: 'to', required: true, x: 1 }], x: 1 }
const RESOURCE = { uri: 'x://y', name: 'y', title: 'Y', mimeType: 'text/plain', size: 7, x: 1 }
const TEMPLATE = { uriTemplate: 'x://{id}', name: 'z', mimeType: 'text/plain', x: 1 }
const CONTENT = [
  { type: 'text', text: '\u2028', annotations: { audience: ['user'], priority: 0.5 } },
  { type: 'image', data: 'AAEC', mimeType: 'image/png' },
  { type: 'audio', data: 'AAEC', mimeType: 'audio/wav' },
  { type: 'resource_link', uri: 'x://y', name: 'y' },
  { type: 'resource', resource: { uri: 'x://y', blob: 'AAEC', mimeType: 'a/b' } },
]

/** A server that can do everything, in either era. */
async function library(t: TestContext, era: 'legacy' | 'modern') {
  const made = await stub(t, era)
  const capabilities = {
    tools: { listChanged: true },
    prompts: {},
    resources: { subscribe: true },
    completions: {},
    logging: {},
    tasks: { list: {} },
    experimental: { x: {} },
    extensions: { 'io.modelcontextprotocol/ui': {} },
  }
  const terms = { ttlMs: 5, cacheScope: 'private' }
  const stamp = era === 'modern' ? { resultType: 'complete', ...terms } : {}
  const { acts } = made
  if (era === 'modern') {
    acts['server/discover'] = () => ({
      ...stamp,
      supportedVersions: ['2026-07-28'],
      capabilities,
      instructions: 'use it',
    })
  }
  acts.initialize = (_, response) => {
    response.setHeader('mcp-session-id', made.session)
    const serverInfo = { name: 's', version: '1' }
    return { protocolVersion: '2025-11-25', capabilities, serverInfo, instructions: 'use it' }
  }
  const members = JSON.stringify(stamp).slice(1, -1)
  acts['tools/list'] = ({ message }, response) => {
    const tools = `"tools":[${TOOLS.join()}]${members === '' ? '' : ','}${members}`
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(`{"jsonrpc":"2.0","id":${message.id},"result":{${tools}}}`)
  }
  acts['prompts/list'] = () => ({ ...stamp, prompts: [PROMPT] })
  acts['prompts/get'] = () => ({
    ...stamp,
    messages: CONTENT.map((content) => ({ role: 'user', content })),
  })
  acts['resources/list'] = () => ({ ...stamp, resources: [RESOURCE] })
  acts['resources/templates/list'] = () => ({ ...stamp, resourceTemplates: [TEMPLATE] })
  acts['resources/read'] = ({ message: { params } }) => ({
    ...stamp,
    contents: [{ uri: params?.uri, text: 'x', mimeType: 'text/plain' }],
  })
  acts['completion/complete'] = () => ({ ...stamp, completion: { values: ['a'], total: 1 } })
  acts['tools/call'] = ({ message }, response) => {
    const { name, _meta } = message.params as { name: string; _meta?: { progressToken?: number } }
    if (name === 'any')
      return json(response, 200, {
        jsonrpc: '2.0',
        id: message.id,
        error: { code: -32000, message: 'no', data: { x: 1 } },
      })
    const send = stream(response)
    send({
      method: 'notifications/progress',
      params: { progressToken: _meta?.progressToken, progress: 1, total: 2, message: 'on' },
    })
    const structuredContent = name === 'list' ? [1, [2]] : { a: 1 }
    const result = { ...stamp, content: CONTENT, structuredContent, 'x-unknown': 1 }
    send({ id: message.id, result })
    response.end()
  }
  return made
}

/** Method, params, and what its result is called in the schema. */
const ASKED: readonly (readonly [string, Record<string, unknown>, string])[] = [
  ['tools/list', {}, 'ListToolsResult'],
  ['prompts/list', {}, 'ListPromptsResult'],
  ['resources/list', {}, 'ListResourcesResult'],
  ['resources/templates/list', {}, 'ListResourceTemplatesResult'],
  ['tools/call', { name: 'plain', arguments: { a: 1 } }, 'CallToolResult'],
  ['tools/call', { name: 'list', arguments: { a: 1 } }, 'CallToolResult'],
  ['prompts/get', { name: 'tell', arguments: { to: 'a' } }, 'GetPromptResult'],
  ['resources/read', { uri: 'x://y' }, 'ReadResourceResult'],
  ['resources/read', { uri: 'x://17' }, 'ReadResourceResult'],
  [
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'tell' }, argument: { name: 'to', value: 'a' } },
    'CompleteResult',
  ],
]

const ERROR = { '2025-03-26': 'JSONRPCError', '2025-06-18': 'JSONRPCError' } as Record<
  string,
  string
>

for (const server of ['legacy', 'modern'] as const) {
  for (const revision of REVISIONS) {
    test(`${server} server: all that a client of ${revision} is sent is in its schema`, async (t) => {
      const upstream = await library(t, server)
      const gateway = await startWith(t, {
        upstreams: { up: { url: upstream.url, prefix: '' } },
        plugins: [{ use: 'auth-none' }],
      })
      await gateway.ready()
      const wire = new Wire(t, gateway.url)
      const judge = JUDGES[revision]
      const valid = (definition: string, value: unknown) =>
        assert.equal(judge(definition, value), '', `${definition}: ${JSON.stringify(value)}`)
      const ask = await asker(wire, revision, valid)
      for (const [method, params, definition] of ASKED) {
        const { json: answer, messages, text } = await ask(method, params)
        assert.ok('result' in answer, `${method}: ${text}`)
        valid(definition, answer.result)
        for (const message of messages) {
          valid('JSONRPCMessage', message)
          if (message.method !== undefined) valid('ServerNotification', message)
        }
        if (method === 'tools/list' && revision === '2026-07-28') {
          // Nothing of a schema is lost, whatever stands in it.
          assert.ok(text.includes(`"inputSchema":${SCHEMA},"outputSchema":${SCHEMA}`))
        }
        if (method === 'tools/list') assert.ok(text.includes(`"inputSchema":${SCHEMA}`))
      }
      const refused = [
        ['tools/call', { name: 'any', arguments: { a: 1 } }],
        ['tools/call', { name: 'none' }],
        ['resources/read', { uri: 'none:' }],
        ['none', {}],
        ['tools/list', { cursor: 'none' }],
      ] as const
      for (const [method, params] of refused) {
        const { json: answer } = await ask(method, params)
        assert.ok('error' in answer, method)
        valid(ERROR[revision] ?? 'JSONRPCErrorResponse', answer)
      }
    })
  }
}

type Valid = (definition: string, value: unknown) => void
type Ask = (method: string, params: Record<string, unknown>) => Promise<HttpAnswer>

/** Introduces itself as clients of that revision do. @returns what sends its requests */
async function asker(wire: Wire, revision: Revision, valid: Valid): Promise<Ask> {
  const meta = { progressToken: 7 }
  if (revision === '2026-07-28') {
    const { json: answer } = await wire.modern('server/discover')
    valid('DiscoverResult', answer.result)
    return (method, params) => {
      const about = params.name ?? params.uri
      const name = typeof about === 'string' ? { 'mcp-name': about } : {}
      return wire.modern(method, { ...params, _meta: meta }, name)
    }
  }
  const params = {
    protocolVersion: revision,
    capabilities: {},
    clientInfo: { name: 'c', version: '1' },
  }
  const { json: answer, headers } = await wire.legacy('initialize', params)
  valid('InitializeResult', answer.result)
  assert.equal(answer.result.protocolVersion, revision)
  const session = {
    'mcp-session-id': String(headers['mcp-session-id']),
    'mcp-protocol-version': revision,
  }
  return (method, params) => wire.legacy(method, { ...params, _meta: meta }, session)
}
