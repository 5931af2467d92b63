import assert from 'node:assert/strict'
import test from 'node:test'
import { Wheel } from '../../../core/hooks/wheel.ts'
import { EgressRules, whyNotEgress } from '../../../core/services/egress-rules.ts'
import { GuardedHttp } from '../../../core/services/guarded-http.ts'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { httpContract } from '../../services/http-contract.ts'

httpContract('undici', (t, allow, names = {}) => {
  const clock = new FakeClock()
  const http = new GuardedHttp(new EgressRules(allow), new Wheel(clock), async (host) => {
    const addresses = names[host.replace(/\.$/, '')]
    if (addresses === undefined) throw new Error(`getaddrinfo ENOTFOUND ${host}`)
    return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  })
  t.after(() => http.close())
  return { http, advance: (ms) => clock.advance(ms) }
})

test('the internet may be asked, in both families', () => {
  const rules = new EgressRules([])
  for (const address of ['1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111']) {
    assert.equal(rules.refuses(address), undefined)
  }
})

test('an allowed network is allowed in IPv6 clothes too, its neighbour is not', () => {
  const rules = new EgressRules(['10.0.0.0/8', 'fd00::/8', '192.168.1.1'])
  for (const address of ['10.200.0.1', '::ffff:10.0.0.1', 'fd12::1', '192.168.1.1']) {
    assert.equal(rules.refuses(address), undefined)
  }
  for (const address of ['11.0.0.1', '192.168.1.2', 'fc00::1', '::ffff:192.168.1.2']) {
    assert.equal(rules.refuses(address) === undefined, address === '11.0.0.1')
  }
})

test('an entry that allows nothing is refused with its reason', () => {
  for (const entry of ['127.0.0.1', '::1', '10.0.0.0/8', 'fd00::/8', 'internal.example', 'db_1']) {
    assert.equal(whyNotEgress(entry), undefined)
  }
  for (const entry of [
    '10.0.0.0/33',
    'fd00::/129',
    'host/8',
    '10.0.0.0/',
    '*.example',
    'a b',
    '',
  ]) {
    assert.notEqual(whyNotEgress(entry), undefined, entry)
  }
  assert.throws(() => new EgressRules(['https://x']), /egress\.allow: https:\/\/x/)
})
