import assert from 'node:assert/strict'
import test from 'node:test'
import type { Clock, Http, Secrets } from 'mcp-patchbay/sdk'
import { Finder } from './finder.ts'
import { FixedCredentials } from './fixed-credentials.ts'
import { TokenSource } from './token-source.ts'

const silent = () => {}
const log = { debug: silent, info: silent, warn: silent, error: silent }

function secretsIn(list: string[]): Secrets {
  return {
    add: (one) => void list.push(one),
    drop: (one) => void list.splice(list.indexOf(one), 1),
    redact: (text) => text,
    redactDeep: (value) => value,
  }
}

/** Tokens of 60 s, one after another. */
function source(list: string[] = []) {
  let now = 0
  let asked = 0
  const clock: Clock = { now: () => now, monotonic: () => now, every: () => silent }
  const http: Http = {
    async request(url) {
      const body = { access_token: `token-${++asked}`, token_type: 'Bearer', expires_in: 60 }
      const text = () => JSON.stringify(body)
      return { status: 200, headers: {}, url: String(url), text, json: () => body }
    },
  }
  const tokenUrl = 'https://id.example/token'
  const auth = { mode: 'client_credentials', clientId: 'a', clientSecret: 'b', tokenUrl } as const
  const finder = new Finder(auth, 'https://crm.example/mcp', http, clock)
  const secrets = secretsIn(list)
  const made = new TokenSource({ upstream: 'crm', finder, clock, log, secrets })
  const get = () => made.credentials({ upstream: 'crm', purpose: 'call' })
  const advance = (ms: number) => {
    now += ms
  }
  return { made, get, advance, asked: () => asked }
}

test('the same credentials are the same object, at once, until a token is renewed', async () => {
  const fixed = new FixedCredentials('crm', { mode: 'bearer', token: 'x' }, secretsIn([]))
  assert.equal(fixed.credentials(), fixed.credentials())
  const { get, advance, asked } = source()
  const first = await get()
  assert.equal(get(), first)
  advance(29_999)
  assert.equal(get(), first)
  assert.equal(asked(), 1)
  advance(1)
  assert.equal(get(), first)
  await new Promise(setImmediate)
  assert.equal(asked(), 2)
  assert.notEqual(get(), first)
  assert.equal(get(), get())
})

test('of all tokens only the newest two are on the list of secrets', async () => {
  const list: string[] = []
  const { made } = source(list)
  for (let n = 0; n < 100; n++) await made.renew()
  assert.deepEqual(list, ['token-99', 'token-100'])
})
