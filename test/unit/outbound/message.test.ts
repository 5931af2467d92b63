import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  envelope,
  errorOf,
  isResponse,
  readMessage,
  refusal,
  textOf,
  writeRequest,
} from '../../../core/outbound/message.ts'
import { merged } from '../../../core/outbound/sent-headers.ts'

const us = { name: 'patchbay', version: '1.0.0' }

test('a message is read with the text of its members, and what is none is not', () => {
  const message = readMessage('{"jsonrpc":"2.0","id":1,"result":{"n":1.0}}')
  assert.ok(message !== undefined && isResponse(message))
  assert.equal(textOf(message, 'result'), '{"n":1.0}')
  const none = ['', '[]', 'null', '{"id":1}', '{"jsonrpc":"2.0","id":1,"id":2}', '{"jsonrpc":"2.0"']
  for (const text of none) assert.equal(readMessage(text), undefined, text)
})

test('a request carries envelope, the client’s _meta and our own progress token', () => {
  const request = {
    method: 'tools/call',
    params: '"name":"x","arguments":{"n":1.0}',
    meta: '"traceparent":"t"',
    progress: true,
  }
  const text = writeRequest(7, request, envelope(us))
  assert.match(text, /"arguments":\{"n":1\.0\}/)
  const { params, id } = JSON.parse(text)
  assert.equal(id, 7)
  assert.deepEqual(params._meta, {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': us,
    'io.modelcontextprotocol/clientCapabilities': {},
    traceparent: 't',
    progressToken: 7,
  })
  const bare = writeRequest(1, { method: 'tools/list', params: '', meta: '', progress: false }, '')
  assert.deepEqual(JSON.parse(bare).params, {})
})

test('an error is read whatever is missing in it', () => {
  const error = (text: string) => {
    const message = readMessage(`{"jsonrpc":"2.0","id":1,"error":${text}}`)
    return message && errorOf(message)
  }
  assert.deepEqual(error('{"code":1,"message":"m","data":null}'), {
    code: 1,
    message: 'm',
    data: null,
  })
  assert.deepEqual(error('{}'), { code: -32603, message: 'error without a message' })
  assert.equal(error('7'), undefined)
})

test('a server may ping us; whatever else it asks is refused, under its own id', () => {
  const answer = (method: string) => {
    const message = readMessage(`{"jsonrpc":"2.0","id":"q1","method":"${method}"}`)
    return JSON.parse(refusal(message as NonNullable<typeof message>))
  }
  assert.deepEqual(answer('ping'), { jsonrpc: '2.0', id: 'q1', result: {} })
  assert.equal(answer('sampling/createMessage').error.code, -32601)
})

test('of two headers of one name the request’s own is sent, and the transport’s are its own', () => {
  const config = { authorization: 'config', 'x-a': '1', accept: 'no' }
  const own = { Authorization: 'own', 'MCP-Session-Id': 'forged' }
  assert.deepEqual(merged(config, own), ['authorization', 'own', 'x-a', '1'])
  assert.deepEqual(merged({}, undefined), [])
})
