/** How long it takes from a process's start until the gateway listens, beside a process that does nothing. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Place } from './measure.ts'
import { type Pinning, pinned } from './process.ts'
import { type Spread, spread } from './report/figures.ts'

/** Milliseconds: median, lowest, highest. */
export interface Startup {
  /** From the start to the line that says it listens, with the plugins of config/patchbay.yaml. */
  readonly listening: Spread | null
  /** Start to end of `node -e 0`. */
  readonly node: Spread | null
}

const MAIN = fileURLToPath(new URL('../../core/boot/main.ts', import.meta.url))
const LIMIT = 15_000
/** The default plugins; the upstream need not be there, its servers are no part of the figure. */
const CONFIG = {
  listen: { host: '127.0.0.1', port: 0 },
  admin: false,
  upstreams: { demo: { url: 'http://127.0.0.1:9/mcp' } },
  plugins: [
    { use: 'auth-none' },
    { use: 'denylist', config: { presets: ['infrastructure'], tools: ['files__move_file'] } },
  ],
}

/** Starts both in turns. The first start of each fills caches and is not counted. */
export async function measureStartup(times: number, { cores, folder }: Place): Promise<Startup> {
  const file = join(folder, 'startup.yaml')
  await writeFile(file, JSON.stringify(CONFIG))
  const listening: number[] = []
  const node: number[] = []
  for (let n = 0; n <= times; n++) {
    const one = await untilListening([process.execPath, MAIN, 'start', file], cores.measured)
    const other = await untilEnd([process.execPath, '-e', '0'], cores.measured)
    if (n === 0) continue
    listening.push(one)
    node.push(other)
  }
  return { listening: spread(listening), node: spread(node) }
}

async function untilListening(command: readonly string[], core: Pinning): Promise<number> {
  const from = performance.now()
  const [program, ...rest] = pinned(command, core)
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'exit')
  const words: string[] = []
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT)
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('close', () => reject(new Error(`it does not listen: ${words.join('\n')}`)))
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream as Readable }).on('line', (line) => {
          words.push(line)
          if (line.includes('"msg":"listening"')) resolve(performance.now() - from)
        })
      }
    })
  } finally {
    child.kill('SIGTERM')
    await ended
    clearTimeout(limit)
  }
}

async function untilEnd(command: readonly string[], core: Pinning): Promise<number> {
  const from = performance.now()
  const [program, ...rest] = pinned(command, core)
  await once(spawn(program, rest, { stdio: 'ignore' }), 'exit')
  return performance.now() - from
}
