// Rules at work between real servers and real clients of both eras.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serve } from '../../fixtures/upstreams.ts'
import { answers, both, desk, ERAS, TICKET } from './desk.ts'

const MATCH = { match: { tools: ['tickets__get'] } }
const OWNER = {
  name: 'owner',
  ...MATCH,
  tool: { name: 'people__get', args: { id: { path: 'result.owner' } } },
  take: 'answer.name',
  merge: { at: 'result.owner_name' },
}
const GREETING = {
  name: 'greeting',
  ...MATCH,
  table: { key: 'result.owner_name', rows: { Ada: 'Dear Ada' } },
  merge: { at: 'result.greeting' },
}
const TEAM = {
  name: 'team',
  ...MATCH,
  table: { key: 'principal.claims.team', rows: { blue: 'Blue team' } },
  merge: { text: true },
}

for (const era of ERAS) {
  test(`seeds 7.42: two rules in order, and every number as its server wrote it (${era})`, async (t) => {
    const { call, people } = await desk(t, era, [OWNER, GREETING, TEAM])
    const { text, json } = await call('tickets__get')
    const whole = `${TICKET.slice(0, -1)},"owner_name":"Ada","greeting":"Dear Ada"}`
    assert.ok(text.includes(`"structuredContent":${whole}`), text)
    assert.deepEqual(json.result.content, [
      { type: 'text', text: whole },
      { type: 'text', text: 'team: Blue team' },
    ])
    assert.equal(json.result._meta?.['patchbay/enrichment'], undefined)
    const [asked] = people.of('tools/call')
    assert.match(asked?.text ?? '', /"arguments":\{"id":12345678901234567890\}/)
  })

  test(`seeds 7.42: a source that is slow, failing, huge or answers no object costs a warning, not the call (${era})`, async (t) => {
    const { call, people } = await desk(t, era, [OWNER, TEAM])
    const cases: [string, () => string | undefined, string][] = [
      ['slow', () => undefined, 'TIMEOUT'],
      [
        'failing',
        () => '{"content":[{"type":"text","text":"hidden"}],"isError":true}',
        'SOURCE_FAILED',
      ],
      ['huge', () => both(`{"name":"${'hidden'.repeat(20_000)}"}`), 'TOO_LARGE'],
      ['no object', () => '{"content":[{"type":"text","text":"hidden"}]}', 'NO_VALUE'],
      ['a list', () => both('["hidden"]'), 'NO_VALUE'],
    ]
    for (const [how, answer, code] of cases) {
      answers(people, answer)
      const { text, json } = await call('tickets__get')
      const [first, warning, ...rest] = json.result.content
      assert.equal(first.text, TICKET, how)
      assert.ok(text.includes(`"structuredContent":${TICKET}`), how)
      assert.match(
        warning.text,
        new RegExp(`^warning: enrichment "owner" is missing \\(${code}\\)`),
      )
      // Those after it are not harmed.
      assert.deepEqual(rest, [{ type: 'text', text: 'team: Blue team' }])
      const [told] = json.result._meta['patchbay/enrichment'].warnings
      assert.deepEqual([told.rule, told.code], ['owner', code])
      assert.ok(!text.includes('hidden'), how)
    }
  })

  test(`seeds 7.42: a wrong path and a response that is no object (${era})`, async (t) => {
    const wrong = { ...OWNER, tool: { name: 'people__get', args: { id: { path: 'result.boss' } } } }
    const { call, tickets, people } = await desk(t, era, [wrong])
    const { json } = await call('tickets__get')
    assert.match(json.result.content[1].text, /\(NO_VALUE\): there is nothing at result\.boss$/)
    answers(tickets, () => '{"content":[{"type":"text","text":"just words"}]}')
    const plain = (await call('tickets__get')).json.result
    assert.equal(plain.content[0].text, 'just words')
    assert.match(plain.content[1].text, /\(NOT_OBJECT\)/)
    // Nobody was asked for what could not be put anywhere.
    assert.equal(people.of('tools/call').length, 0)
  })

  test(`a result that is nested too deep to be written anew passes as it came (${era})`, async (t) => {
    const { call, tickets, gateway } = await desk(t, era, [TEAM, GREETING])
    const deep = `{"in":${'['.repeat(20_000)}${']'.repeat(20_000)}}`
    for (const said of [both(deep), `{"content":[],"structuredContent":${deep}}`]) {
      answers(tickets, () => said)
      const { text } = await call('tickets__get')
      assert.ok(text.includes(said.slice(1, -1)), text.slice(0, 300))
    }
    assert.match(JSON.stringify(gateway.log), /nested too deep/)
  })

  test(`seeds 7.42: rules that lead back to themselves end, with a warning (${era})`, async (t) => {
    const to = (name: string, rule: string, from: string) => ({
      name: rule,
      match: { tools: [from] },
      tool: { name, args: { id: { path: 'result.next' } } },
    })
    const { call, tickets, people } = await desk(t, era, [
      to('people__get', 'there', 'tickets__get'),
      to('tickets__get', 'back', 'people__get'),
    ])
    let n = 0
    for (const server of [tickets, people]) answers(server, () => both(`{"next":${++n}}`))
    const { json } = await call('tickets__get')
    assert.match(json.result.content[1].text, /"there" is missing \(CYCLE\)/)
    assert.equal(n, 3)
  })

  test(`who may not use the source is told nothing of it (${era})`, async (t) => {
    const { call, people } = await desk(t, era, [OWNER])
    const [anna, bob] = [await call('tickets__get'), await call('tickets__get', {}, 'bob')]
    assert.equal(anna.json.result.structuredContent.owner_name, 'Ada')
    assert.equal(people.of('tools/call').length, 1)
    assert.equal(bob.json.result.structuredContent.owner_name, undefined)
    assert.match(bob.json.result.content[1].text, /\(SOURCE_DENIED\): its source is not open/)
    assert.ok(!/Ada|people/.test(bob.text), bob.text)
    const again = await call('tickets__get')
    assert.equal(again.json.result.structuredContent.owner_name, 'Ada')
  })

  test(`an address on the network is asked once for all (${era})`, async (t) => {
    const asked: (string | undefined)[] = []
    const url = await serve(t, (request, response) => {
      asked.push(request.url)
      response.end('{"state":"up"}')
    })
    const state = {
      name: 'state',
      ...MATCH,
      http: { url: `${url}/{result.id}/{args.area}` },
      take: 'answer.state',
    }
    const { call } = await desk(t, era, [state])
    for (const user of ['anna', 'bob']) {
      const { json } = await call('tickets__get', { area: 'a/b' }, user)
      assert.deepEqual(json.result.structuredContent.enrichment, { state: 'up' })
    }
    assert.deepEqual(asked, ['/mcp/9007199254740993/a%2Fb'])
  })
}
