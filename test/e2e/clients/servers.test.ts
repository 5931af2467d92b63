// Real clients, the config that ships, real servers: the main job.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { parse } from 'yaml'
import { CLIENTS, wordsOf } from '../../fixtures/clients.ts'
import { type RunningGateway, startWith } from '../../fixtures/gateway.ts'

const house = join(import.meta.dirname, '../../..')

/** The config that ships, with nothing changed but where it listens and keeps its data. */
async function shipped(t: TestContext): Promise<RunningGateway> {
  const memories = await mkdtemp(join(tmpdir(), 'patchbay-memory-'))
  t.after(() => rm(memories, { recursive: true }))
  const config = parse(readFileSync(join(house, 'config/patchbay.yaml'), 'utf8'))
  config.upstreams.memory.env = { MEMORY_FILE_PATH: join(memories, 'memory.jsonl') }
  const welcome = readFileSync(join(house, 'config/files/welcome.txt'), 'utf8')
  return startWith(t, config, {
    files: { 'files/welcome.txt': welcome },
    links: { node_modules: join(house, 'node_modules') },
  })
}

test('every client uses all three servers of the config that ships', async (t) => {
  const gateway = await shipped(t)
  await gateway.ready()
  const denied = 'files__move_file'

  for (const [name, { era, connect }] of Object.entries(CLIENTS)) {
    await t.test(name, async (t) => {
      const client = await connect(t, gateway.url)
      assert.equal(client.era, era)
      if (era === 'legacy') await client.ping()

      const names = await client.list()
      for (const prefix of ['everything__', 'files__', 'memory__']) {
        assert.ok(names.filter((one) => one.startsWith(prefix)).length > 5, `${prefix} in ${names}`)
      }
      assert.equal(new Set(names).size, names.length)
      assert.ok(!names.includes(denied))
      await assert.rejects(client.call(denied), { code: -32602 })

      const echoed = await client.call('everything__echo', { message: 'héllo 🌍' })
      assert.match(wordsOf(echoed), /héllo 🌍/)
      const sum = await client.call('everything__get-sum', { a: 2, b: 40 })
      assert.match(wordsOf(sum), /42/)

      const file = join(gateway.folder, 'files', `${name}.txt`)
      await client.call('files__write_file', { path: file, content: `by ${name}` })
      assert.equal(readFileSync(file, 'utf8'), `by ${name}`)
      const read = await client.call('files__read_text_file', { path: file })
      assert.equal(wordsOf(read), `by ${name}`)

      const entity = { name, entityType: 'client', observations: [`speaks ${era}`] }
      await client.call('memory__create_entities', { entities: [entity] })
      const found = await client.call('memory__search_nodes', { query: name })
      assert.deepEqual(found.structuredContent, { entities: [entity], relations: [] })

      await client.close()
    })
  }
})
