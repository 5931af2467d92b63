import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Journal } from '../../../core/boot/journal.ts'
import { type LogLine, makeLog } from '../../../core/boot/log.ts'
import { HookError } from '../../../core/hooks/errors.ts'
import type { PluginFailed } from '../../../sdk/index.ts'

function journal(): { journal: Journal; lines: LogLine[] } {
  const lines: LogLine[] = []
  return { journal: new Journal(makeLog({ level: 'info', show: (one) => lines.push(one) })), lines }
}

function failed(hook: PluginFailed['hook'], cause: unknown, skipped = false): PluginFailed {
  return { type: 'plugin.failed', plugin: 'bad', hook, cause, skipped }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('a failure and the request that failed by it are one line, with stack and request id', async () => {
  const { journal: one, lines } = journal()
  const cause = new Error('boom')
  one.failure(failed('beforeCall', cause))
  one.fault(new HookError('bad', 'beforeCall', cause), 'r-1')
  await turn()
  assert.equal(lines.length, 1)
  const { requestId, plugin, hook, err, skipped, msg } = lines[0] as LogLine
  assert.deepEqual(
    { requestId, plugin, hook, skipped, msg },
    {
      requestId: 'r-1',
      plugin: 'bad',
      hook: 'beforeCall',
      skipped: false,
      msg: 'plugin bad, hook beforeCall: boom',
    },
  )
  assert.match((err as { stack: string }).stack, /journal\.test\.ts/)
})

test('a failure that no request owns up to is told all the same, once', async () => {
  const { journal: one, lines } = journal()
  const cause = new Error('boom')
  one.failure(failed('onRegister', cause))
  one.failure(failed('settle', cause))
  await turn()
  assert.deepEqual(
    lines.map(({ hook, requestId }) => [hook, requestId]),
    [
      ['onRegister', undefined],
      ['settle', undefined],
    ],
  )
  // A second request that meets the same failure says which.
  one.fault(new HookError('bad', 'settle', cause), 'r-2')
  assert.equal(lines[2]?.requestId, 'r-2')
  assert.equal('err' in (lines[2] as LogLine), false)
})

test('only of hooks that an operator can skip is told whether they were skipped', async () => {
  const { journal: one, lines } = journal()
  one.failure(failed('observe', new Error('boom'), true))
  one.failure(failed('present', new Error('boom'), true))
  await turn()
  assert.equal('skipped' in (lines[0] as LogLine), false)
  assert.equal(lines[1]?.skipped, true)
})

test('the catalog is counted by kind', () => {
  const { journal: one, lines } = journal()
  const entries = (['tool', 'prompt', 'template', 'tool'] as const).map((kind, index) => {
    return { kind, name: String(index), definition: {}, targets: [] }
  })
  const event = { type: 'catalog.changed', revision: 3, collisions: [], complete: true } as const
  one.catalog({ ...event, entries: entries as never })
  const { revision, tools, prompts, resources, templates } = lines[0] as LogLine
  assert.deepEqual([revision, tools, prompts, resources, templates], [3, 2, 1, 0, 1])
})
