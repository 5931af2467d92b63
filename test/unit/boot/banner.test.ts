import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { Banner } from '../../../core/boot/banner.ts'
import type { Gateway } from '../../../core/boot/gateway.ts'
import type { Event, UpstreamStatus } from '../../../sdk/index.ts'
import { load } from './folder.ts'

const CONFIG = `upstreams: { files: { command: files }, crm: { url: "http://crm.example/mcp" } }
plugins: [{ use: auth-none }, { use: auth-none, id: again }]
`

const READY: UpstreamStatus = { state: 'ready', era: 'legacy', tools: 14 }
const DOWN: UpstreamStatus = { state: 'down', era: undefined, tools: 0, error: 'refused' }

/** A gateway as the banner sees it, and what it can be made to tell. */
class Stage {
  readonly lines: string[] = []
  readonly gateway: Gateway
  #listener: (event: Event) => void = () => {}

  constructor(status: Record<string, UpstreamStatus>) {
    this.gateway = {
      url: 'http://127.0.0.1:8080/mcp',
      status: () => status,
      watch: (listener) => {
        this.#listener = listener
      },
      stop: async () => ({ cut: 0 }),
    }
  }

  readonly out = (line: string): void => {
    this.lines.push(stripVTControlCharacters(line).trim())
  }

  tell(upstream: string, state: UpstreamStatus): void {
    this.#listener({ type: 'upstream.state', upstream, state })
  }
}

test('the banner shows the endpoint, the plugins in order, then upstreams as they arrive', async (t) => {
  const stage = new Stage({ files: READY, crm: { ...DOWN, state: 'connecting' } })
  const banner = new Banner(await load(t, CONFIG), stage.out)
  banner.open(stage.gateway)
  const text = stage.lines.join('\n')
  assert.match(text, /^Endpoint {3}http:\/\/127\.0\.0\.1:8080\/mcp$/m)
  assert.match(text, /^Plugins {4}auth-none → again$/m)
  assert.match(text, /^✓ files {2}14 tools {2}\(stdio, legacy\)$/m)
  assert.doesNotMatch(text, /mcpServers/)
  stage.tell('crm', { ...DOWN, nextAttempt: Date.now() + 1_500 })
  const [down, , , snippet] = stage.lines.slice(text.split('\n').length)
  assert.equal(down, '✗ crm  down: refused, next attempt in 2 s')
  assert.deepEqual(JSON.parse(snippet ?? ''), {
    mcpServers: { patchbay: { type: 'http', url: 'http://127.0.0.1:8080/mcp' } },
  })
  banner.close(0)
})

test('the same news is told once, changed news again', async (t) => {
  const stage = new Stage({ files: READY, crm: DOWN })
  const banner = new Banner(await load(t, CONFIG), stage.out)
  banner.open(stage.gateway)
  const before = stage.lines.length
  stage.tell('crm', DOWN)
  stage.tell('files', READY)
  assert.equal(stage.lines.length, before)
  stage.tell('files', { ...READY, tools: 15 })
  assert.equal(stage.lines.at(-1), '✓ files  15 tools  (stdio, legacy)')
  banner.close(2)
  assert.equal(stage.lines.at(-1), 'Stopped; 2 calls were cut.')
})

test('a gateway without plugins says that it refuses everything', async (t) => {
  const stage = new Stage({})
  const banner = new Banner(await load(t, ''), stage.out)
  banner.open(stage.gateway)
  assert.match(stage.lines.join('\n'), /none: every request is refused/)
  banner.close(0)
})

test('log lines are shown for people, those about upstreams left to the banner', async (t) => {
  const stage = new Stage({})
  const banner = new Banner(await load(t, ''), stage.out)
  const time = new Date().toISOString()
  banner.log({
    level: 'warn',
    time,
    msg: 'hello',
    name: 'patchbay',
    plugin: 'x',
    err: { message: 'no' },
  })
  banner.log({ level: 'warn', time, msg: 'down', name: 'patchbay', upstream: 'a', state: 'down' })
  assert.deepEqual(
    stage.lines.map((line) => line.slice(9)),
    ['warn hello  plugin=x  err=no'],
  )
})
