import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LogLine, makeLog } from '../../../core/boot/log.ts'

test('a line has its level by name, an ISO time and the program’s name', () => {
  const lines: LogLine[] = []
  makeLog({ level: 'info', show: (line) => lines.push(line) }).info({ a: 1 }, 'hello')
  const { time, ...rest } = lines[0] as LogLine
  assert.deepEqual(rest, { level: 'info', name: 'patchbay', a: 1, msg: 'hello' })
  assert.equal(new Date(time).toISOString(), time)
})

test('lines below the level are not written', () => {
  const lines: LogLine[] = []
  makeLog({ level: 'warn', show: (line) => lines.push(line) }).info('hello')
  assert.deepEqual(lines, [])
})

test('credentials are blanked by name, in headers and requests too', () => {
  const lines: LogLine[] = []
  const log = makeLog({ level: 'info', show: (line) => lines.push(line) })
  const headers = { authorization: 'Bearer hunter2', cookie: 'hunter2', 'x-api-key': 'hunter2' }
  log.info({ authorization: 'hunter2', headers, req: { headers } }, 'hello')
  assert.doesNotMatch(JSON.stringify(lines), /hunter2/)
  assert.match(JSON.stringify(lines), /\[redacted\]/)
})
