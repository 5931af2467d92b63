// The recipe `locked-down`: every caller, entry, name, endpoint and era, against an oracle that is not our code.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Wire } from '../wire/wire.ts'
import { AIMS, type Scene, scene } from './matrix.ts'
import { allowed, ERAS, KINDS, PATHS, wrongs } from './visit.ts'

const ends: (() => unknown)[] = []
const scope = { after: (run: () => unknown) => void ends.push(run) }
let all: Scene

before(async () => {
  all = await scene(scope)
})
after(async () => {
  for (const end of ends.reverse()) await end()
})

for (const path of PATHS) {
  for (const era of ERAS) {
    test(`seeds 7.6: ${path}, ${era}: everybody lists and uses what the recipe says, under every name, and nothing else`, async () => {
      assert.deepEqual(await wrongs(scope, all, path, era), [])
    })
  }
}

test('the matrix has both answers for every kind at every endpoint', () => {
  for (const path of PATHS) {
    const answers = new Set(
      all.keys.flatMap((key) => AIMS.map((aim) => `${aim.kind} ${allowed(all, key, path, aim)}`)),
    )
    for (const kind of KINDS) {
      // Files are all that `ops` has, and they have no tools that ops may not use in some way.
      assert.ok(answers.has(`${kind} true`) && answers.has(`${kind} false`), `${path} ${kind}`)
    }
  }
  const nobody = all.keys.filter((key) => !AIMS.some((aim) => allowed(all, key, '/mcp', aim)))
  assert.deepEqual(
    nobody.map(({ id }) => id),
    ['retired-bot'],
  )
})

test('nobody gets in without a key, at any endpoint', async () => {
  for (const path of PATHS) {
    const wire = new Wire(scope, all.gateway.url.replace('/mcp', path))
    for (const headers of [{}, { 'x-api-key': 'wrong' }, { authorization: 'Bearer wrong' }]) {
      const modern = await wire.modern('tools/list', {}, headers)
      const legacy = await wire.legacy('tools/list', {}, headers)
      assert.deepEqual([modern.status, legacy.status], [401, 401], path)
    }
  }
})

test('every recipe line that guards is there, and no other', () => {
  assert.deepEqual(
    all.recipe.plugins.map(({ use }) => use),
    ['auth-api-key', 'family-routing', 'permissions', 'denylist', 'rate-limit', 'audit'],
  )
})
