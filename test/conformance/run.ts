// Runs the official conformance suite against the gateway, and its servers behind it, and writes the tables
// in the README. With --check it writes nothing and fails when those there are others. Names of files in
// expected/ (modern-to-legacy) run only these, and write nothing.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startWith } from '../fixtures/gateway.ts'
import type { Era } from '../fixtures/raw.ts'
import { writeFresh } from '../house/freshness.ts'
import { ROOT } from '../house/plugins.ts'
import { startFixture } from './fixture/fixture.ts'
import { requirements, runClient, runServer } from './suite.ts'
import { pageOf, type Table } from './table.ts'
import { judge, readExpectations, type Verdict } from './verdict.ts'

const ERAS: readonly Era[] = ['legacy', 'modern']
/** Scenarios for clients that a gateway can pass on its way to a server, and the server's era. */
const CLIENT_SCENARIOS: readonly (readonly [string, Era])[] = [
  ['initialize', 'legacy'],
  ['tools_call', 'legacy'],
  ['sse-retry', 'legacy'],
  ['tools_call', 'modern'],
  ['request-metadata', 'modern'],
  ['sep-2322-client-request-state', 'modern'],
  ['http-standard-headers', 'modern'],
  ['http-custom-headers', 'modern'],
  ['http-invalid-tool-headers', 'modern'],
  ['json-schema-ref-no-deref', 'modern'],
  ['json-schema-2020-12-preservation', 'modern'],
]
const YEAR = { legacy: '2025', modern: '2026' }
const START = '<!-- conformance: made by `npm run conformance` -->'
const END = '<!-- /conformance -->'

const problems: string[] = []

/** Runs `work` with something that ends when it does. */
async function scoped<T>(
  work: (scope: { after(run: () => unknown): void }) => Promise<T>,
): Promise<T> {
  const ends: (() => unknown)[] = []
  try {
    return await work({ after: (run) => void ends.push(run) })
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

function expectationsOf(name: string): ReturnType<typeof readExpectations> {
  return readExpectations(new URL(`./expected/${name}.yaml`, import.meta.url))
}

function report(name: string, found: readonly string[]): void {
  for (const one of found) problems.push(`${name}: ${one}`)
}

/** The fixture by itself has to pass all that is scored: what it fails says nothing about a gateway. */
async function tryFixture(client: Era): Promise<void> {
  const scored = requirements(client).filter((one) => one.scored)
  const names = scored.map(({ scenario }) => scenario)
  const findings = await scoped(async (scope) => runServer((await startFixture(scope)).url, client))
  report(`fixture, ${client} client`, judge(names, findings, {}).problems)
}

async function pair(client: Era, server: Era): Promise<ReadonlyMap<string, Verdict>> {
  const name = `${client}-to-${server}`
  const findings = await scoped(async (scope) => {
    const fixture = await startFixture(scope)
    const gateway = await startWith(scope, {
      upstreams: { fixture: { url: fixture.only[server], prefix: '' } },
      plugins: [{ use: 'auth-none' }],
    })
    await gateway.ready()
    return runServer(gateway.url, client)
  })
  const names = requirements(client).map(({ scenario }) => scenario)
  const { verdicts, problems: found } = judge(names, findings, expectationsOf(name))
  report(name, found)
  return verdicts
}

async function outbound(client: Era): Promise<ReadonlyMap<string, Verdict>> {
  const expected = expectationsOf(`outbound-${client}`)
  const script = join(import.meta.dirname, 'client.ts')
  const command = `"${process.execPath}" "${script}" ${client}`
  const verdicts = new Map<string, Verdict>()
  const unused = new Set(Object.keys(expected))
  for (const [scenario, server] of CLIENT_SCENARIOS) {
    const row = rowOf(scenario, server)
    const findings = await runClient(command, scenario, server)
    const own = Object.entries(expected).flatMap(([entry, why]): [string, string][] => {
      const [named, check] = entry.split(':')
      if (named !== row) return []
      unused.delete(entry)
      return [[check === undefined ? scenario : `${scenario}:${check}`, why]]
    })
    const judged = judge([scenario], findings, Object.fromEntries(own))
    verdicts.set(row, judged.verdicts.get(scenario) as Verdict)
    report(`outbound, ${client} client`, judged.problems)
  }
  for (const entry of unused) report(`outbound-${client}`, [`${entry} is not run`])
  return verdicts
}

/** A scenario's row: with the server's revision where it is run for both. */
function rowOf(scenario: string, server: Era): string {
  const twice = CLIENT_SCENARIOS.filter(([name]) => name === scenario).length > 1
  return twice ? `${scenario}, ${YEAR[server]}` : scenario
}

function sectioned(readme: string, body: string): string {
  const [before, rest] = readme.split(START)
  const [, after] = rest?.split(END) ?? []
  if (before === undefined || after === undefined) throw new Error('the README has no such section')
  return `${before}${START}\n\n${body}\n\n${END}${after}`
}

const wanted = process.argv.slice(2).filter((word) => !word.startsWith('--'))
const pairings = ERAS.flatMap((client) =>
  ERAS.map((server) => ({
    name: `${client}-to-${server}`,
    heading: `${YEAR[client]} → ${YEAR[server]}`,
    run: () => pair(client, server),
  })),
)
const behind = ERAS.map((client) => ({
  name: `outbound-${client}`,
  heading: `${YEAR[client]} client`,
  run: () => outbound(client),
}))
const known = [...pairings, ...behind].map(({ name }) => name)
const unknown = wanted.filter((name) => !known.includes(name))
if (unknown.length > 0) {
  throw new Error(`no such run: ${unknown.join(', ')}. There are ${known.join(', ')}`)
}

/** The wanted runs, one after the other: scenarios measure time. */
async function inTurn(all: typeof pairings): Promise<Table['columns']> {
  const done = new Map<string, ReadonlyMap<string, Verdict>>()
  for (const { name, heading, run } of all) {
    if (wanted.length === 0 || wanted.includes(name)) done.set(heading, await run())
  }
  return done
}

if (wanted.length === 0) for (const client of ERAS) await tryFixture(client)
const required = ERAS.flatMap((era) => requirements(era))
const page = pageOf([
  {
    corner: 'client → server',
    rows: [...new Set(required.map(({ scenario }) => scenario))],
    unscored: new Set(required.filter(({ scored }) => !scored).map(({ scenario }) => scenario)),
    columns: await inTurn(pairings),
  },
  {
    corner: 'the gateway as a client',
    rows: CLIENT_SCENARIOS.map(([scenario, server]) => rowOf(scenario, server)),
    unscored: new Set(['json-schema-2020-12-preservation']),
    columns: await inTurn(behind),
  },
])
console.log(page)
if (problems.length > 0) {
  console.error(`\n${problems.join('\n')}`)
  process.exitCode = 1
} else if (wanted.length === 0) {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  writeFresh(new Map([['README.md', sectioned(readme, page)]]), 'npm run conformance')
}
