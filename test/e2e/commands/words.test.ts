// What the command line says to what it does not take, and to readers that go.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from '../../house/plugins.ts'
import { folder } from '../../unit/boot/folder.ts'
import { pluginText } from '../admin/door.ts'
import { patchbay } from './patchbay.ts'

const SUM = `return { commands: { add: { description: 'Adds.', offline: true,
  args: { type: 'object', additionalProperties: false, properties: { limit: { type: 'integer', description: 'x' } } },
  run: () => 'added' } } }`

function files(t: Parameters<typeof folder>[0]): string {
  return folder(t, {
    'a.yaml': 'plugins: [{ use: auth-none }, { use: ./sum.ts }]',
    'bad.yaml': 'drain: x',
    'sum.ts': pluginText('sum', SUM),
  })
}

test('an unknown command is told with the config that was searched and whose commands there are', async (t) => {
  const root = files(t)
  const { code, err } = await patchbay('sun', '--config', join(root, 'a.yaml'))
  assert.equal(code, 1)
  assert.match(
    err,
    /^there is no command `sun` \(did you mean "sum"\?\)\. Plugin lines of \S+a\.yaml with commands: sum\. For those of another config add `--config <file>`\. `patchbay --help`/,
  )
  assert.equal(err.split('\n').length, 1)
  const bad = await patchbay('sun', '--config', join(root, 'bad.yaml'))
  assert.match(
    bad.err,
    /no command `sun`\. \S+bad\.yaml, .* has mistakes: run `patchbay check \S+bad/,
  )
  const misplaced = await patchbay('sun', 'other.yaml')
  assert.match(misplaced.err, /add `--config other\.yaml`\./)
  const json = await patchbay('sun', '--json', '--config', join(root, 'a.yaml'))
  assert.equal(JSON.parse(json.out).problems[0].code, 'UNKNOWN_COMMAND')
})

test("a plugin's command needs no line's id where one line has it, and says which where several do", async (t) => {
  const lines = (...ids: string[]) =>
    `plugins: [{ use: auth-none }${ids.map((id) => `, { use: ./sum.ts, id: ${id} }`).join('')}]`
  const root = folder(t, {
    'one.yaml': lines('one'),
    'two.yaml': lines('one', 'two'),
    'sum.ts': pluginText('sum', SUM),
  })
  const one = await patchbay('add', '{}', '--config', join(root, 'one.yaml'))
  assert.deepEqual([one.code, one.out], [0, 'added'])
  const much = await patchbay('add', '{}', 'more', '--config', join(root, 'one.yaml'))
  assert.match(much.err, /^more is too much/)
  const two = await patchbay('add', '{}', '--config', join(root, 'two.yaml'))
  assert.deepEqual(
    [two.code, two.err],
    [1, 'one and two have a command `add` each. Say which: `patchbay one add`.'],
  )
})

test('a config file in the place of arguments is told with the option it belongs to', async (t) => {
  const config = join(files(t), 'a.yaml')
  for (const args of [['a.yaml'], ['add', 'a.yaml'], ['add', '{}', 'a.yaml']]) {
    const { code, err } = await patchbay('sum', ...args, '--config', config)
    assert.equal(code, 1)
    assert.equal(
      err,
      "a.yaml is no argument of a plugin's command. Name the config file with `--config a.yaml` here.",
    )
  }
  const many = await patchbay('sum', 'add', '{}', 'more', '--config', config)
  assert.match(many.err, /^more is too much: a command takes one JSON object\. Quote it/)
  const option = await patchbay('sum', 'add', '--limit', '3', '--config', config)
  assert.match(option.err, /unknown option '--limit'/)
})

test('wrong arguments of a command are told as such, not as settings of a file', async (t) => {
  const config = join(files(t), 'a.yaml')
  const { code, err } = await patchbay('sum', 'add', '{"limt":1}', '--config', config)
  assert.equal(code, 1)
  assert.equal(err, 'limt: is no argument of `sum add` (did you mean "limit"?). Arguments: limit.')
  assert.equal((await patchbay('sum', 'add', '{"limit":1}', '--config', config)).out, 'added')
})

function main(...args: string[]) {
  return spawn(process.execPath, ['core/boot/main.ts', ...args], { cwd: ROOT })
}

test('a command whose reader is gone ends without a word', async () => {
  const child = main('--help')
  let err = ''
  child.stderr.on('data', (data) => {
    err += data
  })
  child.stdout.destroy()
  const [code] = await once(child, 'close')
  assert.deepEqual([code, err], [0, ''])
})

test('a gateway outlives the reader of its output', async (t) => {
  const root = folder(t, {
    'a.yaml': 'listen: { port: 0 }\nadmin: false\nplugins: [{ use: auth-none }]',
  })
  const child = main('start', '--pretty', join(root, 'a.yaml'))
  let err = ''
  child.stderr.on('data', (data) => {
    err += data
  })
  let out = ''
  for await (const data of child.stdout) {
    out += data
    if (out.includes('mcpServers')) break
  }
  child.stdout.destroy()
  child.kill('SIGTERM')
  const [code] = await once(child, 'close')
  assert.deepEqual([code, err], [0, ''])
})
