import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../../core/services/system-clock.ts'
import { paperIssuer } from '../../fixtures/paper-issuer.ts'
import { Wire } from '../wire/wire.ts'
import { bearer, guarded } from './scene.ts'

/** The computer's time, and as much as a test has let pass besides. */
function movedClock() {
  let moved = 0
  return {
    ...systemClock,
    now: () => systemClock.now() + moved,
    monotonic: () => systemClock.monotonic() + moved,
    pass: (ms: number) => {
      moved += ms
    },
  }
}

const read = ({ requests }: { requests: readonly string[] }) =>
  requests.filter((one) => one === 'GET /jwks').length

test('seeds 7.21: a gateway starts while its authorization server is down; callers wait and are let in', async (t) => {
  const clock = movedClock()
  const { identity, gateway } = await guarded(t, {
    clock,
    before: (one) => {
      one.down = true
    },
  })
  const wire = new Wire(t, gateway.url)
  identity.down = false
  const token = await identity.token({ resource: gateway.url })
  const refused = await wire.modern('tools/list', {}, bearer(token))
  assert.equal(refused.status, 503)
  assert.equal(refused.headers['www-authenticate'], undefined)
  assert.equal(refused.headers['retry-after'], '1')
  assert.match(refused.json.error.message, /the keys of http:\S+ cannot be read now/)
  // Who has none is told to get one all the same.
  assert.equal((await wire.modern('tools/list')).status, 401)
  clock.pass(1_000)
  assert.equal((await wire.modern('tools/list', {}, bearer(token))).status, 200)
  const [line] = gateway.log
  assert.match(JSON.stringify(line), /answered 503.*the keys of an issuer cannot be read/s)
})

test('seeds 7.21: keys are rotated under a running gateway', async (t) => {
  const clock = movedClock()
  const { identity, gateway } = await guarded(t, { clock })
  const wire = new Wire(t, gateway.url)
  const list = async (token: string) => (await wire.modern('tools/list', {}, bearer(token))).status
  const old = await identity.token({ resource: gateway.url })
  assert.equal(await list(old), 200)
  await identity.rotate()
  clock.pass(30_000)
  const next = await identity.token({ resource: gateway.url })
  assert.equal(await list(next), 200)
  assert.equal(await list(old), 200)
  assert.equal(read(identity), 2)
  await identity.rotate(false)
  clock.pass(30_000)
  assert.equal(await list(await identity.token({ resource: gateway.url })), 200)
  assert.equal(read(identity), 3)
  assert.equal(await list(old), 401)
})

test('seeds 7.21: a storm of unknown keys does not reach the authorization server', async (t) => {
  const clock = movedClock()
  const { identity, gateway } = await guarded(t, { clock })
  const wire = new Wire(t, gateway.url)
  const good = await identity.token({ resource: gateway.url })
  assert.equal((await wire.modern('tools/list', {}, bearer(good))).status, 200)
  clock.pass(30_000)
  const stranger = await paperIssuer(identity.issuer)
  const storm = Array.from({ length: 200 }, async (_, i) => {
    const token = await stranger.sign({ aud: gateway.url }, { kid: `made-up-${i}` }, Date.now())
    return (await wire.modern('tools/list', {}, bearer(token))).status
  })
  assert.deepEqual([...new Set(await Promise.all(storm))], [401])
  assert.equal(read(identity), 2)
  assert.equal((await wire.modern('tools/list', {}, bearer(good))).status, 200)
})

test('seeds 7.21: clocks that are apart are borne with, and a token ends while it is used', async (t) => {
  const clock = movedClock()
  const { identity, gateway } = await guarded(t, { clock, identity: { lifetime: 60 } })
  const wire = new Wire(t, gateway.url)
  const list = async (token: string) => (await wire.modern('tools/list', {}, bearer(token))).status
  const token = await identity.token({ resource: gateway.url })
  assert.equal(await list(token), 200)
  clock.pass(80_000)
  assert.equal(await list(token), 200)
  clock.pass(11_000)
  const ended = await wire.modern('tools/list', {}, bearer(token))
  assert.equal(ended.status, 401)
  assert.match(String(ended.headers['www-authenticate']), /error="invalid_token"/)
  assert.match(String(ended.headers['www-authenticate']), /it has expired/)
})

test('seeds 7.29: without the operator’s word no keys are read on loopback', async (t) => {
  const { identity, gateway } = await guarded(t, { config: { egress: { allow: [] } } })
  const wire = new Wire(t, gateway.url)
  const token = await identity.token({ resource: gateway.url })
  const before = identity.requests.length
  assert.equal((await wire.modern('tools/list', {}, bearer(token))).status, 503)
  assert.equal(identity.requests.length, before)
  assert.match(JSON.stringify(gateway.log), /egress\.allow/)
})
