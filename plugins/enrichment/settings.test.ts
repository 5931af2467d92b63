import assert from 'node:assert/strict'
import test from 'node:test'
import { testPlugin } from 'mcp-patchbay/sdk/testing'
import enrichment from './index.ts'

const RULE = {
  name: 'land',
  match: { tools: ['demo__get'] },
  table: { key: 'result.country', rows: { DE: 'Germany' } },
}

test('settings that cannot be are refused with path and reason', async () => {
  const http = (url: string) => ({ ...RULE, table: undefined, http: { url } })
  const refusals: [object, RegExp][] = [
    [{ ...RULE, table: undefined }, /config\.rules\[0\]: has 0 sources/],
    [{ ...RULE, http: { url: 'https://a.example/' } }, /config\.rules\[0\]: has 2 sources/],
    [{ ...RULE, take: 'result.x' }, /config\.rules\[0\]\.take: "result\.x" does not begin with/],
    [{ ...RULE, merge: { at: 'result' } }, /merge\.at: would replace the whole result/],
    [{ ...RULE, merge: { at: 'args.x' } }, /merge\.at: "args\.x" does not begin with `result`/],
    [{ ...RULE, when: [{ path: 'args.x' }] }, /when\[0\]: has 0 tests/],
    [{ ...RULE, when: [{ path: 'args..x', exists: true }] }, /when\[0\]\.path: .*cannot be read/],
    [{ ...RULE, when: [{ path: 'args.x', matches: '(' }] }, /when\[0\]\.matches: Invalid regular/],
    [{ ...RULE, match: { tools: ['!x'] } }, /match\.tools: "!x" begins with "!"/],
    [{ ...RULE, name: 'a b' }, /config\.rules\[0\]\.name: does not match/],
    [{ ...RULE, timeout: '3s' }, /config\.rules\[0\]\.timeout: must be/],
    [http('file:///etc/passwd'), /http\.url: is no http address/],
    [http('https://{args.host}/x'), /http\.url: is no http address with a fixed host/],
    [http('https://a.example/{args.x'), /http\.url: has a brace without/],
    [http('https://a.example/{x}'), /http\.url: "x" does not begin with/],
    [
      { ...RULE, table: undefined, tool: { name: 'x', args: { a: {} } } },
      /tool\.args\.a: needs either path or value/,
    ],
    [
      { ...RULE, table: undefined, tool: { name: 'x', args: { a: { value: 1, default: 2 } } } },
      /tool\.args\.a\.default: has no path beside it/,
    ],
  ]
  for (const [rule, message] of refusals) {
    const said = JSON.parse(JSON.stringify(rule))
    await assert.rejects(testPlugin(enrichment, { rules: [said] }), { message })
  }
  await assert.rejects(testPlugin(enrichment, { rules: [RULE, RULE] }), {
    message: /config\.rules\[1\]\.name: is also the name of rules\[0\]/,
  })
})
