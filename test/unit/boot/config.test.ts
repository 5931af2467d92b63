import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { folder, load, pluginSource, problems } from './folder.ts'

test('an empty file is a config in which everything is as by default', async (t) => {
  const config = await load(t, '')
  const { file, ...rest } = config
  assert.deepEqual(rest, {
    listen: {
      host: '127.0.0.1',
      port: 8080,
      allowedOrigins: [],
      allowedHosts: [],
      bodyLimit: 4_194_304,
      streams: 1024,
      subscriptions: 1000,
      sessions: { idle: 86_400_000, lifetime: 604_800_000 },
    },
    workers: 1,
    admin: { host: '127.0.0.1', port: 8081, allowedOrigins: [], allowedHosts: [], open: [] },
    stdio: {},
    data: join(file, '../data'),
    keys: [],
    log: { level: 'info' },
    errors: { showPlugin: false },
    lists: { pageSize: 1000, ttl: 0 },
    egress: { allow: [] },
    secrets: [],
    drain: 10_000,
    names: { separator: '__', maxLength: 64 },
    profiles: [],
    upstreams: [],
    upstreamNames: [],
    plugins: [],
    origins: new Map(),
    places: new Map(),
  })
})

test('ten mistakes make ten messages, each with its place, path, reason and way out', async (t) => {
  const found = await problems(
    t,
    `listen: { port: 99999, hots: x }
keys: [short]
log: { level: inf }
drain: fast
upstreams:
  both: { url: "http://x/", command: ls }
  none: { prefix: n }
  typo: { url: "http://x/", tmeout: 3s }
plugins:
  - use: ./gone.ts
  - use: ./sample.ts
    config: { limit: 0 }
`,
  )
  assert.deepEqual(
    found.map(({ text }) => text.slice(0, text.indexOf(': '))),
    [
      'patchbay.yaml:1:11 listen.port',
      'patchbay.yaml:1:24 listen.hots',
      'patchbay.yaml:2:8 keys[0]',
      'patchbay.yaml:3:8 log.level',
      'patchbay.yaml:4:1 drain',
      'patchbay.yaml:6:29 upstreams.both.command',
      'patchbay.yaml:7:3 upstreams.none',
      'patchbay.yaml:8:29 upstreams.typo.tmeout',
      'patchbay.yaml:10:5 plugins[0].use',
      'patchbay.yaml:11:5 plugins[1].use',
    ],
  )
  assert.match(found[1]?.text ?? '', /\(did you mean "host"\?\)\. Settings: host, port, /)
  assert.match(found[7]?.text ?? '', /no setting `tmeout` \(did you mean "timeout"\?\)/)
})

test("a plugin's settings are judged with the rest, at their place", async (t) => {
  const found = await problems(t, {
    'patchbay.yaml': `plugins:
  - use: ./sample.ts
    config: { limt: 2, window: soon }
    timeouts: { beforCall: 2s }
`,
    'sample.ts': pluginSource(),
  })
  assert.deepEqual(
    found.map(({ where, path }) => [where?.split('/').at(-1), path]),
    [
      ['patchbay.yaml:3:15', 'plugins[0].config.limt'],
      ['patchbay.yaml:3:24', 'plugins[0].config.window'],
      ['patchbay.yaml:4:17', 'plugins[0].timeouts.beforCall'],
    ],
  )
})

test('settings of a plugin line that is switched off are not judged', async (t) => {
  const config = await load(
    t,
    `plugins: [{ use: ./gone.ts, enabled: false, config: { token: "\${NOT_SET}" } }]`,
  )
  assert.deepEqual(config.plugins, [])
})

test('references take the type that is asked for, also in plugin settings', async (t) => {
  const config = await load(
    t,
    {
      'patchbay.yaml': `listen: { port: "\${PORT}" }
errors: { showPlugin: "\${SHOW:-true}" }
keys: ["\${NO_KEY:-}"]
upstreams:
  a: { url: "http://\${HOST}/mcp", enabled: "\${ON}", headers: { Authorization: "Bearer \${file:token}" } }
plugins: [{ use: ./sample.ts, config: { limit: "\${LIMIT}", open: "\${OPEN}" } }]
`,
      'sample.ts': pluginSource(),
      token: 'abc\n',
    },
    { PORT: '0', HOST: 'h', ON: 'false', LIMIT: '7', OPEN: 'true' },
  )
  assert.equal(config.listen.port, 0)
  assert.equal(config.errors.showPlugin, true)
  assert.deepEqual(config.keys, [])
  assert.equal(config.upstreams[0]?.enabled, false)
  assert.deepEqual(config.upstreams[0]?.headers, { authorization: 'Bearer abc' })
  assert.deepEqual(config.plugins[0]?.config, { limit: 7, open: true, window: 60_000 })
})

test('a value from a reference is never told', async (t) => {
  const found = await problems(t, `listen: { port: "\${PORT}" }`, { PORT: 'hunter2' })
  assert.equal(found.length, 1)
  assert.match(
    found[0]?.text ?? '',
    /must be a whole number, not text\. Its value comes from a ref/,
  )
  assert.doesNotMatch(found[0]?.text ?? '', /hunter2/)
})

test('an upstream is filled in from the defaults it fits, then by the gateway', async (t) => {
  const config = await load(
    t,
    `defaults: { upstream: { timeout: 5s, headers: { X-A: a }, env: { B: b } } }
upstreams:
  http: { url: "http://x/mcp", totalTimeout: 1m, forwardHeaders: [X-Tenant] }
  stdio: { command: [npx, -y], args: [thing], cwd: sub, timeout: 9s }
`,
  )
  const [http, stdio] = config.upstreams
  assert.equal(http?.timeout, 5_000)
  assert.equal(http?.totalTimeout, 60_000)
  assert.deepEqual(http?.headers, { 'x-a': 'a' })
  assert.deepEqual(http?.forwardHeaders, ['x-tenant'])
  assert.deepEqual(http?.env, {})
  assert.equal(http?.connectTimeout, 10_000)
  assert.equal(http?.refresh, 300_000)
  assert.deepEqual(stdio?.command, ['npx', '-y', 'thing'])
  assert.deepEqual(stdio?.env, { B: 'b' })
  assert.deepEqual(stdio?.headers, {})
  assert.equal(stdio?.cwd, join(config.file, '../sub'))
  assert.equal(stdio?.timeout, 9_000)
})

test('tools are taken by include and exclude: missing is all, empty is none', async (t) => {
  const config = await load(
    t,
    `upstreams:
  all: { url: "http://x/1" }
  none: { url: "http://x/2", tools: { include: [] } }
  some: { url: "http://x/3", prefix: "", tools: { include: ["read_*"], exclude: ["*_secret"], rename: { read_a: a }, alias: { b: read_b } } }
`,
  )
  const [all, none, some] = config.upstreamNames
  assert.equal(all?.takes('x'), true)
  assert.equal(all?.prefix, 'all')
  assert.equal(none?.takes('x'), false)
  assert.deepEqual(
    ['read_a', 'read_secret', 'write'].map((name) => some?.takes(name)),
    [true, false, false],
  )
  assert.equal(some?.prefix, '')
  assert.deepEqual([...(some?.rename ?? [])], [['read_a', 'a']])
  assert.deepEqual([...(some?.alias ?? [])], [['b', 'read_b']])
})

const REFUSED_UPSTREAMS: [why: string, upstream: string, path: string, reason: RegExp][] = [
  ['a URL that is not http', '{ url: "ftp://x" }', '.url', /not an http or https URL/],
  ['a URL with a password', '{ url: "http://a:b@x/" }', '.url', /user name or password/],
  ['args beside url', '{ url: "http://x/", args: [] }', '.args', /means nothing beside `url`/],
  ['env beside url', '{ url: "http://x/", env: {} }', '.env', /means nothing beside `url`/],
  ['cwd beside url', '{ url: "http://x/", cwd: . }', '.cwd', /means nothing beside `url`/],
  ['headers beside command', '{ command: a, headers: {} }', '.headers', /beside `command`/],
  ['a command line', '{ command: "npx -y thing" }', '.command', /whole command line/],
  [
    'a name twice',
    '{ command: a, tools: { rename: { x: z, y: z } } }',
    '.tools.rename.y',
    /name z/,
  ],
  [
    'an alias of a tool that is left out',
    '{ command: a, tools: { include: [x], alias: { z: y } } }',
    '.tools.alias.z',
    /y cannot get an alias/,
  ],
  [
    'an alias that a renamed tool has',
    '{ command: a, tools: { rename: { x: z }, alias: { z: y } } }',
    '.tools.alias.z',
    /x has it already/,
  ],
  [
    'the client’s own credentials',
    '{ url: "http://x/", forwardHeaders: [Authorization] }',
    '.forwardHeaders[0]',
    /never passed on/,
  ],
  [
    'limits of a tool that is left out',
    '{ command: a, tools: { exclude: [x] }, timeouts: { x: {} } }',
    '.timeouts.x',
    /leave that tool out/,
  ],
]

for (const [why, upstream, path, reason] of REFUSED_UPSTREAMS) {
  test(`an upstream is refused for ${why}`, async (t) => {
    const found = await problems(t, `upstreams: { one: ${upstream} }`)
    assert.deepEqual(
      found.map((one) => one.path),
      [`upstreams.one${path}`],
    )
    assert.match(found[0]?.reason ?? '', reason)
  })
}

test('no header that the gateway makes itself can be forwarded', async (t) => {
  const names = ['cookie', 'Host', 'Content-Type', 'Connection', 'Mcp-Session-Id']
  const found = await problems(
    t,
    `upstreams: { a: { url: "http://x/", forwardHeaders: [${names.join(', ')}] } }`,
  )
  assert.equal(found.length, names.length)
})

test('upstreams whose names would collide are refused, switched-off ones left aside', async (t) => {
  const found = await problems(
    t,
    `upstreams:
  one: { command: a }
  two: { command: a, prefix: one }
  off: { command: a, prefix: one, enabled: false }
  bare1: { command: a, prefix: "" }
  bare2: { command: a, prefix: "" }
  a__b: { command: a }
  "a.b": { command: a }
`,
  )
  assert.deepEqual(
    found.map(({ path, reason }) => [path, reason.split(':')[0]]),
    [
      ['upstreams.two', 'ids collide'],
      ['upstreams.a__b', 'the id holds the separator `__`'],
      ['upstreams["a.b"]', 'is not a usable id'],
    ],
  )
})

test('included files add upstreams and plugins in the order of their names, paths from the main file', async (t) => {
  const config = await load(t, {
    'patchbay.yaml': 'include: ["more/*.yaml", "none/*.yaml"]\nupstreams: { a: { command: a } }\n',
    'more/2.yaml': 'upstreams: { c: { command: c } }\nplugins: [{ use: ./sample.ts, id: last }]',
    'more/1.yaml': 'upstreams: { b: { command: b, cwd: here } }\nplugins: [{ use: ./sample.ts }]',
    'sample.ts': pluginSource(),
  })
  assert.deepEqual(
    config.upstreams.map(({ id }) => id),
    ['a', 'b', 'c'],
  )
  assert.equal(config.upstreams[1]?.cwd, join(config.file, '../here'))
  assert.deepEqual(
    config.plugins.map(({ id }) => id),
    ['sample', 'last'],
  )
})

test('mistakes in included files are told at their own places', async (t) => {
  const found = await problems(t, {
    'patchbay.yaml':
      'include: [more.yaml, gone.yaml]\nupstreams: { a: { command: a } }\nplugins: []\n',
    'more.yaml': `listen: {}
upstreams:
  a: { command: b }
  c: { command: c, session: none }
plugins:
  - use: ./sample.ts
    config: { limit: none }
`,
    'sample.ts': pluginSource(),
  })
  assert.deepEqual(
    found.map(({ text }) => text.slice(0, text.indexOf(': '))),
    [
      'patchbay.yaml:1:22 include[1]',
      'more.yaml:1:1 listen',
      'more.yaml:3:3 upstreams.a',
      'more.yaml:4:20 upstreams.c.session',
      'more.yaml:7:15 plugins[0].config.limit',
    ],
  )
  assert.match(found[2]?.text ?? '', /already at patchbay\.yaml:2:14/)
})

test('YAML that cannot be read is told with its place, keys that stand twice too', async (t) => {
  const twice = await problems(t, 'data: a\ndrain: 1s\ndata: b\n')
  assert.equal(
    twice[0]?.text,
    'patchbay.yaml:3:1: the key `data` stands here twice. Keep one of them.',
  )
  const broken = await problems(t, 'listen: [1\nkeys: c\n')
  assert.match(broken[0]?.text ?? '', /^patchbay\.yaml:\d+:\d+: /)
})

test('anchors, aliases and merged mappings are followed', async (t) => {
  const config = await load(
    t,
    `upstreams:
  a: &a { command: a, timeout: 5s }
  b: { <<: *a, timeout: 6s }
`,
  )
  assert.deepEqual(
    config.upstreams.map(({ command, timeout }) => [command, timeout]),
    [
      [['a'], 5_000],
      [['a'], 6_000],
    ],
  )
})

test('aliases that grow without end are refused', async (t) => {
  const found = await problems(t, 'profiles: &a { b: *a }')
  assert.match(found[0]?.text ?? '', /aliases cannot be followed/)
})

test('a key called __proto__ is refused like any other', async (t) => {
  const found = await problems(t, 'listen: { __proto__: { port: 1 } }')
  assert.equal(found[0]?.path, 'listen.__proto__')
})

test('a file that is not there is a problem with a way out', async (t) => {
  const root = folder(t, {})
  const { loadConfig } = await import('../../../core/boot/config/config.ts')
  await assert.rejects(
    loadConfig(join(root, 'gone.yaml')),
    /gone\.yaml: there is no such file\. Give/,
  )
})

test('certificate files must be readable and are found from the config file', async (t) => {
  const found = await problems(t, {
    'patchbay.yaml': 'listen: { tls: { cert: cert.pem, key: gone.pem } }',
    'cert.pem': 'x',
  })
  assert.deepEqual(
    found.map(({ path }) => path),
    ['listen.tls.key'],
  )
})

test('what an upstream may not set, the defaults may not set either', async (t) => {
  const found = await problems(
    t,
    `defaults:
  upstream:
    forwardHeaders: [Authorization, X-Api-Key, Cookie, X-Fine]
    tools: { exclude: [x], alias: { y: x } }
`,
  )
  assert.deepEqual(
    found.map(({ path }) => path),
    [
      'defaults.upstream.forwardHeaders[0]',
      'defaults.upstream.forwardHeaders[1]',
      'defaults.upstream.forwardHeaders[2]',
      'defaults.upstream.tools.alias.y',
    ],
  )
})

test('a grace that nothing is hidden after is refused, in the defaults too', async (t) => {
  const found = await problems(
    t,
    `defaults: { upstream: { grace: 5s } }
upstreams: { a: { url: "http://x/", grace: 3s } }
`,
  )
  assert.deepEqual(
    found.map(({ path }) => path),
    ['defaults.upstream.grace', 'upstreams.a.grace'],
  )
  const config = await load(
    t,
    `defaults: { upstream: { grace: 5s } }
upstreams: { a: { url: "http://x/", whenDown: hide }, b: { url: "http://y/" } }
`,
  )
  assert.equal(config.upstreams[0]?.grace, 5_000)
})

test('ways to reach a server that mean nothing together are refused, in the defaults too', async (t) => {
  const found = await problems(
    t,
    `upstreams:
  a: { command: x, transport: sse }
  b: { command: x, allowH2: true }
  c: { url: "http://x/", transport: sse, era: modern }
  d: { command: x, era: modern }
  e: { url: "http://x/", maxSessions: 0 }
`,
  )
  assert.deepEqual(
    found.map(({ path }) => path),
    ['upstreams.a.transport', 'upstreams.b.allowH2', 'upstreams.c.era', 'upstreams.e.maxSessions'],
  )
  assert.match(found.find(({ path }) => path === 'upstreams.c.era')?.hint ?? '', /Take one/)
  const common = await problems(
    t,
    `defaults: { upstream: { transport: sse } }
upstreams: { a: { url: "http://x/", era: modern }, b: { command: x, era: modern } }
`,
  )
  assert.deepEqual(
    common.map(({ path }) => path),
    ['upstreams.a.era'],
  )
})

test('certificates that make no pair and a data folder that is none are refused', async (t) => {
  const found = await problems(t, {
    'patchbay.yaml': `listen: { tls: { cert: cert.pem, key: key.pem } }
data: ./file/data
`,
    'cert.pem': 'x',
    'key.pem': 'y',
    file: '',
  })
  assert.deepEqual(
    found.map(({ path }) => path),
    ['listen.tls', 'data'],
  )
  assert.match(found[1]?.reason ?? '', /file is no folder/)
})

test('a key that processes have no use for is refused under them, and they do not inherit it', async (t) => {
  const claims = `upstreamSettings: { key: 'badge', schema: { type: 'string' }, notForCommands: 'Use its own.' },`
  const yaml = (own: string) => `
defaults: { upstream: { badge: x } }
upstreams:
  away: { url: https://away.example/mcp }
  here: { command: [node]${own} }
plugins: [{ use: ./sample.ts }]
`
  const files = (own = '') => ({ 'patchbay.yaml': yaml(own), 'sample.ts': pluginSource(claims) })
  const { plugins } = await load(t, files())
  assert.deepEqual([...(plugins[0]?.upstreams ?? [])], [['away', 'x']])
  const [problem] = await problems(t, files(', badge: y'))
  assert.match(
    problem?.text ?? '',
    /upstreams\.here\.badge: means nothing beside `command`\. Use its own\./,
  )
})
