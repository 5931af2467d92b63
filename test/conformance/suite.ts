import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parse } from 'yaml'
import { type Era, REVISION } from '../fixtures/raw.ts'

/** One thing that a scenario looked at. */
export interface Check {
  readonly id: string
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO'
  readonly errorMessage?: string
}

/** Scenario → what it found. */
export type Findings = ReadonlyMap<string, readonly Check[]>

/** A scenario of a requirement set. */
export interface Requirement {
  readonly scenario: string
  /** Whether the revision requires it; the others are run and reported by the suite as well. */
  readonly scored: boolean
}

const SCENARIO_TIMEOUT_MS = 30_000
const HOME = dirname(
  dirname(
    createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/dist/index.js'),
  ),
)

/** What a revision requires of servers, extensions left out, in the suite's own order. */
export function requirements(era: Era): Requirement[] {
  const set = parse(readFileSync(join(HOME, 'requirements', `${REVISION[era]}.yaml`), 'utf8')) as {
    server: string[]
    not_scored: { scenario: string; leg: string; reason: string }[]
  }
  const unscored = set.not_scored.filter(
    (one) => one.leg === 'server' && one.reason !== 'extension',
  )
  return [
    ...set.server.map((scenario) => ({ scenario, scored: true })),
    ...unscored.map(({ scenario }) => ({ scenario, scored: false })),
  ]
}

/** Runs all that a revision requires of servers against one. */
export function runServer(url: string, era: Era): Promise<Findings> {
  return run(['server', '--url', url, '--requirements', REVISION[era]])
}

/** Runs one scenario for clients. @param command starts the client, which gets the URL of its server as well */
export function runClient(command: string, scenario: string, era: Era): Promise<Findings> {
  const version = ['--spec-version', REVISION[era]]
  return run(['client', '--command', command, '--scenario', scenario, ...version])
}

async function run(args: readonly string[]): Promise<Findings> {
  const folder = mkdtempSync(join(tmpdir(), 'patchbay-conformance-'))
  const all = [join(HOME, 'dist/index.js'), ...args, '-o', folder]
  const child = spawn(process.execPath, [...all, '--timeout', String(SCENARIO_TIMEOUT_MS)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  }
  try {
    // Its exit code says whether all passed, which is judged here by what it wrote.
    await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
    const found = readdirSync(folder).map((name): [string, Check[]] => [
      name.replace(/^server-|-\d{4}-\d\d-\d\dT.*$/g, ''),
      checksIn(join(folder, name, 'checks.json')),
    ])
    if (found.length === 0) throw new Error(`the suite found nothing:\n${said}`)
    const broken = /Client (?:exited with code|timed out)[\s\S]*/.exec(said)?.[0]
    if (broken !== undefined) {
      const failed: Check = { id: 'client-ends-well', status: 'FAILURE', errorMessage: broken }
      for (const [, checks] of found) checks.push(failed)
    }
    return new Map(found)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A scenario that came to no end wrote nothing. */
function checksIn(file: string): Check[] {
  if (!existsSync(file)) return [{ id: 'ends', status: 'FAILURE', errorMessage: 'came to no end' }]
  return JSON.parse(readFileSync(file, 'utf8'))
}
