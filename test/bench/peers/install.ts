/** Finds the peers: npm's are installed into `.bench/peers`, outside the project's own dependencies. */

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PEERS, type Peer } from './peers.ts'

/** A peer that is there. */
export interface Installed {
  readonly peer: Peer
  /** What starts it, its own arguments not included. */
  readonly program: readonly [string, ...string[]]
  readonly version: string
}

/** A peer that is not. */
export interface Missing {
  readonly peer: Peer
  readonly reason: string
}

const FOLDER = fileURLToPath(new URL('../../../.bench/peers', import.meta.url))
const INSTALLS = 300_000
const ASKS = 5_000

/** Installs what npm has and looks for the others. Never throws: what is not there says why. */
export function findPeers(say: (text: string) => void): { found: Installed[]; missing: Missing[] } {
  const found: Installed[] = []
  const missing: Missing[] = []
  for (const peer of PEERS) {
    const result = 'npm' in peer.from ? ofNpm(peer.from.npm, say) : onPath(peer.from)
    if (typeof result === 'string') missing.push({ peer, reason: result })
    else found.push({ peer, ...result })
  }
  return { found, missing }
}

type Found = Omit<Installed, 'peer'>

function ofNpm(name: string, say: (text: string) => void): Found | string {
  const folder = join(FOLDER, 'node_modules', name)
  if (!existsSync(folder)) {
    say(`installing ${name}`)
    mkdirSync(FOLDER, { recursive: true })
    const own = join(FOLDER, 'package.json')
    if (!existsSync(own)) writeFileSync(own, '{ "private": true }\n')
    const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', name]
    const { status, stderr, error } = spawnSync('npm', args, {
      cwd: FOLDER,
      encoding: 'utf8',
      timeout: INSTALLS,
    })
    if (status !== 0) return `npm install failed: ${lastLine(stderr) ?? error?.message ?? status}`
  }
  const { version, bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const script = typeof bin === 'string' ? bin : bin?.[name]
  if (script === undefined) return `its package has no program "${name}"`
  return { program: [process.execPath, join(folder, script)], version }
}

function onPath({ path, says }: { path: readonly string[]; says: RegExp }): Found | string {
  const folders = (process.env.PATH ?? '').split(delimiter)
  for (const name of path) {
    for (const folder of folders) {
      const file = join(folder, name)
      if (!existsSync(file)) continue
      const { stdout, stderr } = spawnSync(file, ['--help'], { encoding: 'utf8', timeout: ASKS })
      if (!says.test(`${stdout}${stderr}`)) continue
      const version = spawnSync(file, ['--version'], { encoding: 'utf8', timeout: ASKS })
      const said = /\d+\.\d+[\w.+-]*/.exec(`${version.stdout}${version.stderr}`)
      return { program: [file], version: said?.[0] ?? 'unknown' }
    }
  }
  return `no ${path.join(' or ')} on PATH`
}

function lastLine(text: string | null): string | undefined {
  return text?.trim().split('\n').at(-1)
}
