import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { type RunningGateway, startWith } from '../../fixtures/gateway.ts'
import { knock } from '../admin/door.ts'
import { until } from '../upstreams/gateway.ts'
import { stub } from '../upstreams/stub.ts'
import { Wire } from '../wire/wire.ts'

const CALLS = 10_000
const ADMIN = { host: '127.0.0.1', port: 0 }

/** A gateway with the page, in front of one server. */
async function measured(t: TestContext, admin: object = {}, plugins: object[] = []) {
  const server = await stub(t, 'modern')
  const gateway = await startWith(t, {
    admin: { ...ADMIN, ...admin },
    upstreams: { up: { url: server.url } },
    plugins: [{ use: 'auth-none' }, { use: 'otel' }, ...plugins],
  })
  await gateway.ready()
  return { server, gateway }
}

/** A port that was free a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0))
    })
  })
}

/** A real Prometheus that scrapes the admin door with its token. @returns asks it by PromQL */
async function prometheus(t: TestContext, { adminUrl = '', config }: RunningGateway) {
  const folder = mkdtempSync(join(tmpdir(), 'patchbay-prometheus-'))
  const target = new URL(adminUrl).host
  const file = join(folder, 'prometheus.yml')
  writeFileSync(
    file,
    JSON.stringify({
      global: { scrape_interval: '1s' },
      scrape_configs: [
        {
          job_name: 'patchbay',
          authorization: { credentials_file: join(config.data, 'admin-token') },
          static_configs: [{ targets: [target] }],
        },
      ],
    }),
  )
  const port = await freePort()
  const address = `127.0.0.1:${port}`
  const options = [
    `--config.file=${file}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=${address}`,
  ]
  const child = spawn('prometheus', options, { stdio: 'ignore' })
  t.after(async () => {
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('close', resolve))
    rmSync(folder, { recursive: true, force: true })
  })
  return async (query: string): Promise<[labels: Record<string, string>, value: number][]> => {
    const url = new URL('/api/v1/query', `http://${address}`)
    url.searchParams.set('query', query)
    try {
      const { data } = (await (await fetch(url)).json()) as {
        data: { result: { metric: Record<string, string>; value: [number, string] }[] }
      }
      return data.result.map(({ metric, value }) => [metric, Number(value[1])])
    } catch {
      // It does not listen yet.
      return []
    }
  }
}

test('a real Prometheus counts as many calls as the client made, and so does the audit', {
  timeout: 110_000,
}, async (t) => {
  try {
    execFileSync('prometheus', ['--version'], { stdio: 'ignore' })
  } catch (error) {
    const why = 'SKIPPED: prometheus is missing, which scrapes the metrics of this test: install it'
    if (process.env.NO_SKIPS !== undefined) throw new Error(why, { cause: error })
    return t.skip(why)
  }
  const audit = { use: 'audit', config: { strict: true, record: ['calls'] } }
  const { server, gateway } = await measured(t, {}, [audit])
  const wire = new Wire(t, gateway.url)
  let answered = 0
  const params = { name: 'up__look', arguments: {} }
  const lane = async () => {
    for (let n = 0; n < CALLS / 20; n++) {
      const { json } = await wire.modern('tools/call', params)
      if (json.result.content[0].text === 'ok') answered++
    }
  }
  await Promise.all(Array.from({ length: 20 }, lane))
  assert.equal(answered, CALLS)
  assert.equal(server.of('tools/call').length, CALLS)
  const database = new DatabaseSync(join(gateway.config.data, 'patchbay.db'), { readOnly: true })
  const counted = database.prepare('select count(*) as n from audit__records').get()
  database.close()
  assert.equal(counted?.n, CALLS)
  await wire.modern('tools/call', { name: 'up__none', arguments: {} })

  const ask = await prometheus(t, gateway)
  const one = async (query: string) => (await ask(query)).at(0)?.[1]
  const tool = (side: string, name: string) =>
    `mcp_${side}_operation_duration_seconds_count{gen_ai_tool_name="${name}"}`
  await until(async () => (await one(tool('server', 'up__look'))) !== undefined)
  assert.equal(await one(tool('server', 'up__look')), CALLS)
  assert.equal(await one(tool('client', 'look')), CALLS)
  assert.equal(await one('sum(mcp_server_operation_duration_seconds_count)'), CALLS + 1)
  const inf = 'mcp_server_operation_duration_seconds_bucket{gen_ai_tool_name="up__look",le="+Inf"}'
  assert.equal(await one(inf), CALLS)
  const quantile =
    'histogram_quantile(0.5, sum by (le) (mcp_server_operation_duration_seconds_bucket))'
  const median = await one(quantile)
  assert.ok(median !== undefined && median > 0 && median < 300, String(median))
  assert.equal(await one('patchbay_upstream_ready{patchbay_upstream="up"}'), 1)
  const [[labels] = []] = await ask('target_info')
  assert.equal(labels?.service_name, 'mcp-patchbay')
  const runs = 'patchbay_plugin_runs_total{plugin="auth-none",hook="authenticate"}'
  assert.ok(((await one(runs)) ?? 0) >= CALLS)
  // Prometheus says of itself whether it could read the page.
  assert.equal(await one('up{job="patchbay"}'), 1)
})

test('the page needs the token of the admin door, unless the config opens it, and then nothing else is open', async (t) => {
  const { gateway } = await measured(t)
  const plain = (path: string, of = gateway) => fetch(new URL(path, of.adminUrl))
  // auth-none knows everybody, and nobody's scopes are enough.
  assert.equal((await plain('/metrics')).status, 403)
  const { gateway: opened } = await measured(t, { open: ['/metrics'] })
  const page = await plain('/metrics', opened)
  assert.equal(page.status, 200)
  assert.match(page.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
  assert.match(await page.text(), /^target_info\{/m)
  for (const path of ['/status', '/metrics/', '/METRICS', '/metrics/x', '/shadow']) {
    assert.equal((await plain(path, opened)).status, 403, path)
  }
  const posted = await fetch(new URL('/metrics', opened.adminUrl), { method: 'POST' })
  assert.equal(posted.status, 403)
  const foreign = await knock(opened, '/metrics', {
    headers: { host: 'evil.example' },
    token: false,
  })
  assert.equal(foreign.status, 403)
})

test('the gateway’s own pages cannot be opened', async (t) => {
  for (const path of ['/status', '/commands/x', '/upstreams', 'metrics', '/']) {
    await assert.rejects(
      startWith(t, { admin: { ...ADMIN, open: [path] }, plugins: [{ use: 'auth-none' }] }),
      /admin\.open\[0\]/,
      path,
    )
  }
})
