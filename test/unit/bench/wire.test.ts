import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Answers, failure, progress, TAIL } from '../../bench/answers.ts'
import { CASES, configOf, flagsOf, labelOf, upstreamOf } from '../../bench/cases.ts'
import { readOptions } from '../../bench/options.ts'
import { Events } from '../../bench/sse-connection.ts'
import { CallRequest, FIRST_ID } from '../../bench/wire.ts'

const AIM = { url: 'http://127.0.0.1:1/mcp', tool: 'echo', headers: {} }

test('events are found however their bytes are cut', () => {
  const events = 'event: endpoint\ndata: /messages?s=1\n\n: alive\n\ndata: {"id":1}\n\n'
  const framed = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${[
    ...events.matchAll(/.{1,7}/gs),
  ]
    .map(([part]) => `${part.length.toString(16)}\r\n${part}\r\n`)
    .join('')}`
  const plain = `HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${events}`
  for (const text of [framed, plain]) {
    for (const size of [1, 5, 1_000]) {
      const reader = new Events()
      const found = [...text.matchAll(new RegExp(`.{1,${size}}`, 'gs'))]
        .flatMap(([part]) => reader.take(part))
        .filter(({ data }) => data !== '')
      assert.deepEqual(found, [
        { name: 'endpoint', data: '/messages?s=1' },
        { name: 'message', data: '{"id":1}' },
      ])
    }
  }
})

test('a request changes nothing but its id from one call to the next', () => {
  for (const era of ['modern', 'legacy'] as const) {
    for (const method of ['tools/call', 'tools/list'] as const) {
      const request = new CallRequest({ ...AIM, era, method, progress: true }, 'session')
      const before = request.bytes.toString()
      request.next()
      const after = request.bytes.toString()
      assert.equal(after, before.replace(`${FIRST_ID}`, `${FIRST_ID + 1}`))
      const [head = '', body = ''] = after.split('\r\n\r\n')
      assert.match(head, new RegExp(`^Content-Length: ${body.length}$`, 'm'))
      assert.equal(JSON.parse(body).params._meta.progressToken, 'bench')
      assert.equal(request.expected.toString(), `"id":${FIRST_ID + 1}`)
    }
  }
})

test('the upstream answers each era in its shape', () => {
  const kind = { tools: 3, size: 64, stream: 'none' } as const
  const modern = new Answers({ ...kind, era: 'modern' })
  const legacy = new Answers({ ...kind, era: 'legacy' })
  const read = (answers: Answers, method: string, name = 'echo') => {
    const reply = answers.choose({ id: 1, method, params: { name } })
    return reply === undefined ? undefined : JSON.parse(`${reply.head}1${TAIL}`)
  }
  assert.equal(read(modern, 'tools/call').result.resultType, 'complete')
  assert.equal(read(modern, 'tools/call').result.content[0].text.length, 64)
  assert.equal(read(legacy, 'tools/list').result.tools.length, 3)
  assert.equal(read(legacy, 'tools/call', 'nothing').error.code, -32602)
  assert.equal(read(legacy, 'server/discover').error.code, -32601)
  assert.equal(read(modern, 'initialize').error.code, -32601)
  assert.equal(modern.choose({ method: 'notifications/initialized' }), undefined)
  for (const protocolVersion of ['2025-06-18', '2025-11-25', '2030-01-01']) {
    const hello = legacy.choose({ id: 1, method: 'initialize', params: { protocolVersion } })
    const expected = protocolVersion === '2025-06-18' ? protocolVersion : '2025-11-25'
    assert.equal(JSON.parse(`${hello?.head}1${TAIL}`).result.protocolVersion, expected)
  }
  assert.equal(failure(404, 1, 'no').status, 404)
  assert.equal(JSON.parse(progress('t')).params.progressToken, 't')
})

test('every case has a name of its own, and its floor the same upstream', () => {
  assert.equal(new Set(CASES.map(({ name }) => name)).size, CASES.length)
  for (const one of CASES) {
    const { over, group = 'calls' } = one
    if (over === undefined) continue
    const base = CASES.find(({ name }) => name === over)
    assert.equal(base?.group ?? 'calls', group, `${one.name} is compared within its group`)
    assert.equal(labelOf(upstreamOf(base as typeof one)), labelOf(upstreamOf(one)))
  }
  const stdio = CASES.find(({ name }) => name === 'stdio') as (typeof CASES)[0]
  assert.equal(labelOf(upstreamOf(stdio)), 'stdio')
  assert.ok(flagsOf(upstreamOf(stdio)).includes('--stdio'))
  const config = JSON.parse(configOf(stdio, ['node', 'x']))
  assert.deepEqual(config.upstreams, { demo: { command: ['node', 'x'] } })
})

test('labels name what is not usual', () => {
  const usual = { wire: 'http', era: 'modern', tools: 20, size: 64, stream: 'none' } as const
  assert.equal(labelOf(usual), '')
  assert.equal(labelOf({ ...usual, era: 'legacy', tools: 5_000 }), 'legacy, 5,000 tools')
  assert.equal(labelOf({ ...usual, size: 65_536 }), '64 KB')
  assert.equal(labelOf({ ...usual, size: 1_048_576, stream: 'one' }), '1 MB, one event')
  assert.equal(labelOf({ ...usual, size: 100 }), '100 B')
})

test('the command line chooses cases and groups, and refuses what there is not', () => {
  const names = (args: string[]) => readOptions(args).cases.map(({ name }) => name)
  assert.deepEqual(
    names([]),
    CASES.map(({ name }) => name),
  )
  assert.ok(names(['--quick']).length < CASES.length)
  assert.deepEqual(names(['payload', 'auth-none']), ['auth-none', '64 KB', '1 MB'])
  const [first] = readOptions(['auth-none', '--size', '128']).cases
  assert.equal(first?.upstream?.size, 128)
  assert.throws(() => readOptions(['nothing']), /no case or group "nothing"/)
  assert.throws(() => readOptions(['--rounds', '0']), /whole number of at least 1/)
  assert.throws(() => readOptions(['--write']), /belong to --gate/)
  assert.throws(() => readOptions(['--gate', '--write', '--slow']), /slow plugin/)
})
