// One set of tools in front of servers of both eras: listed, called and refused alike, whoever asks.
import assert from 'node:assert/strict'
import test from 'node:test'
import { knock } from '../admin/door.ts'
import { stub } from '../upstreams/stub.ts'
import { ERAS, house } from './house.ts'

const MERGED = ['add', 'big', 'echo', 'fail', 'slow']

for (const era of ERAS) {
  test(`${era} clients list each tool once and call it where they say`, async (t) => {
    const { guest, old, fresh, gateway } = await house(t)
    const anna = await guest(era)
    const both = ['fresh', 'old']
    assert.deepEqual(await anna.places(), {
      echo: both,
      add: both,
      fail: both,
      slow: both,
      big: both,
    })
    assert.deepEqual(
      [...(await anna.names())].sort(),
      MERGED.map((name) => `site__${name}`),
    )
    assert.equal(await anna.call('site__echo', { place: 'old', text: 'here' }), 'here')
    assert.equal(await anna.call('site__echo', { text: 'there', place: 'fresh' }), 'there')
    assert.deepEqual(old.tools.calls, [{ name: 'echo', args: { text: 'here' } }])
    assert.deepEqual(fresh.tools.calls, [{ name: 'echo', args: { text: 'there' } }])
    // A tool's own error and what else a result holds come as from the server itself.
    assert.equal(await anna.call('site__fail', { place: 'fresh' }), 'it went wrong')
    const { text } = await anna.ask('tools/call', {
      name: 'site__big',
      arguments: { place: 'old' },
    })
    assert.match(text, /"id":1152921504606847000\b/)
    assert.match(text, /"x-unknown":\{"kept":true\}/)
    assert.deepEqual(gateway.log, [])
  })

  test(`${era} clients that name no instance, or none there is, reach nobody`, async (t) => {
    const { guest, old, fresh } = await house(t)
    const anna = await guest(era)
    const list = 'Available of site: fresh, old'
    for (const [args, said] of [
      [{ text: 'x' }, 'site__echo needs `place`'],
      [{ text: 'x', place: 'elsewhere' }, '"elsewhere" is no `place` of site__echo'],
      [{ text: 'x', place: 7 }, '7 is no `place` of site__echo'],
      [{ text: 'x', place: 'old ' }, '"old " is no `place` of site__echo'],
      [{ text: 'x', place: 'OLD' }, '"OLD" is no `place` of site__echo'],
    ] as const) {
      const { json } = await anna.ask('tools/call', { name: 'site__echo', arguments: args })
      assert.equal(json.result.isError, true)
      assert.ok(
        json.result.content[0].text.startsWith(`${said}. ${list}`),
        json.result.content[0].text,
      )
      assert.equal(json.result._meta['patchbay/error'].code, 'INVALID')
    }
    for (const name of ['old__echo', 'fresh__echo', 'echo']) {
      const { json } = await anna.ask('tools/call', { name, arguments: { place: 'old' } })
      assert.equal(json.error.code, -32602, name)
    }
    assert.deepEqual([...old.tools.calls, ...fresh.tools.calls], [])
  })
}

test('seeds 7.10: integers above 2^53 are those that the client sent, in whatever place', async (t) => {
  const one = await stub(t, 'modern')
  const other = await stub(t, 'legacy')
  for (const server of [one, other]) {
    server.tools = [{ name: 'take', inputSchema: { type: 'object', maxLength: 1 } }]
  }
  const family = { name: 'stubs', instanceArg: 'place' }
  const { wire } = await house(t, {
    upstreams: { one: { url: one.url, family }, other: { url: other.url, family } },
  })
  const numbers = '9007199254740993, 1.0 ,{"deep":[123456789012345678901,1e400]}'
  for (const [place, server] of [
    ['one', one],
    ['other', other],
  ] as const) {
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"stubs__take","arguments":{"id":9007199254740993,"place":"${place}","all":[${numbers}]},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`
    const headers = {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'stubs__take',
    }
    const { json } = await wire.post(body, headers)
    assert.equal(json.result?.content[0].text, 'ok', JSON.stringify(json))
    const [call] = server.of('tools/call')
    const said = call?.text.replaceAll(' ', '') ?? ''
    assert.ok(
      said.includes(`"arguments":{"id":9007199254740993,"all":[${numbers.replaceAll(' ', '')}]}`),
      said,
    )
  }
})

test('an instance that is named twice reaches nobody', async (t) => {
  const { wire, old, fresh } = await house(t)
  const body =
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"site__echo","arguments":{"place":"old","text":"x","place":"fresh"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}'
  const { text } = await wire.post(body, {
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': 'site__echo',
  })
  assert.match(text, /name a member twice/)
  assert.deepEqual([...old.tools.calls, ...fresh.tools.calls], [])
})

test('what a schema says in numbers is listed as the server wrote it', async (t) => {
  const server = await stub(t, 'modern')
  server.acts['tools/list'] = ({ message }, response) =>
    void response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(
        `{"jsonrpc":"2.0","id":${message.id},"result":{"tools":[{"name":"take","inputSchema":{"type":"object","properties":{"n":{"maximum":9007199254740993,"default":1.0}}}}]}}`,
      )
  const family = { name: 'stubs', instanceArg: 'place' }
  const { guest } = await house(t, {
    upstreams: { one: { url: server.url, family }, other: { url: server.url, family } },
    hidden: { ben: ['other'] },
  })
  for (const user of ['anna', 'ben']) {
    const { text } = await (await guest('modern', user)).ask('tools/list', {})
    assert.ok(text.includes('"n":{"maximum":9007199254740993,"default":1.0},"place"'), text)
  }
})

test('an alias leads to its member, and what a plugin offers keeps its name', async (t) => {
  const { guest, old } = await house(t, {
    upstreams: { old: { tools: { alias: { say: 'echo' } } } },
    plugins: [{ use: './offering.ts' }],
  })
  for (const era of ERAS) {
    const anna = await guest(era)
    assert.deepEqual([...(await anna.names())].sort(), [
      'fresh__add',
      'old__add',
      'old__say',
      'site__add',
      'site__big',
      'site__echo',
      'site__fail',
      'site__slow',
    ])
    assert.equal(await anna.call('old__say', { text: 'aside' }), 'aside')
    assert.equal(await anna.call('site__add', { place: 'old' }), 'offered')
    assert.equal(await anna.call('old__add', { a: 1, b: 2 }), '3')
  }
  assert.equal(old.tools.calls.length, 4)
})

/** What denies by name. */
const GUARDS = {
  denylist: (rule: string) => ({ use: 'denylist', config: { tools: [rule] } }),
  permissions: (rule: string) => ({ use: 'permissions', config: { anyone: ['*'], deny: [rule] } }),
}

for (const [guard, line] of Object.entries(GUARDS))
  test(`${guard}: a rule for the family covers every member under every name, and one for a member that member`, async (t) => {
    for (const [rule, gone, left] of [
      ['site__echo', ['site__echo', 'old__say'], []],
      ['old__echo', ['old__say'], ['fresh']],
      ['fresh__echo', [], ['old']],
      ['echo', ['site__echo', 'old__say'], []],
      ['site__add', ['old__add', 'fresh__add', 'site__add'], ['fresh', 'old']],
    ] as const) {
      const { guest, old, fresh } = await house(t, {
        upstreams: { old: { tools: { alias: { say: 'echo' } } } },
        plugins: [{ use: './offering.ts' }, line(rule)],
      })
      for (const era of ERAS) {
        const anna = await guest(era)
        const names = await anna.names()
        assert.deepEqual((await anna.places()).echo ?? [], left, rule)
        for (const name of gone) {
          assert.ok(!names.includes(name), `${rule}: ${name}`)
          const { json } = await anna.ask('tools/call', { name, arguments: { place: 'old' } })
          assert.equal(json.error?.code, -32602, `${rule}: ${name}`)
        }
        const places = ['old', 'fresh'].filter(
          (place) => !(left as readonly string[]).includes(place),
        )
        for (const place of places)
          assert.notEqual(await anna.call('site__echo', { place, text: 'x' }), 'x', rule)
      }
      assert.deepEqual([...old.tools.calls, ...fresh.tools.calls], [], rule)
    }
  })

test('status says what is merged and what is not', async (t) => {
  const { gateway, fresh } = await house(t, { plugins: [{ use: './offering.ts' }] })
  fresh.tools.offer('lone')
  await gateway.until(
    () => gateway.catalog?.entries.some(({ name }) => name === 'site__lone') === true,
  )
  const { body } = await knock(gateway, '/status')
  const both = ['fresh', 'old']
  assert.deepEqual(Object(body.plugins)['family-routing'].status, {
    families: {
      site: {
        instanceArg: 'place',
        instances: { old: 'old', fresh: 'fresh' },
        merged: {
          site__echo: both,
          site__fail: both,
          site__slow: both,
          site__big: both,
          site__lone: ['fresh'],
        },
        separate: { site__add: 'a plugin offers `site__add`' },
      },
    },
  })
})
