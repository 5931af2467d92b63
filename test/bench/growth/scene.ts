import { writeFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { drop } from '../memory/crowd.ts'
import { type Cores, type Started, start } from '../process.ts'
import type { Era } from '../wire.ts'

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))

/** What the upstream of a growing configuration has. */
export interface UpstreamShape {
  readonly era?: Era
  readonly tools?: number
  /** Bytes of text in a result. */
  readonly size?: number
}

/** Starts what one axis is measured with. */
export class Scene {
  readonly #cores: Cores
  readonly #folder: string
  readonly #held: Socket[] = []
  #files = 0

  /** @param folder for config files */
  constructor(cores: Cores, folder: string) {
    this.#cores = cores
    this.#folder = folder
  }

  /** The bench's upstream, a process of its own. */
  async upstream({ era = 'modern', tools = 20, size = 64 }: UpstreamShape): Promise<string> {
    const flags = ['--era', era, '--tools', `${tools}`, '--size', `${size}`]
    return (await start([here('../upstream.ts'), ...flags], this.#cores.upstream)).url
  }

  /** A gateway in front of these upstreams: id → url. @param guards how many plugins that do nothing */
  async gateway(upstreams: Readonly<Record<string, string>>, guards = 0): Promise<Started> {
    const entries = Object.entries(upstreams).map(([id, url]) => [id, { url }])
    const plugins = Array.from({ length: guards }, (_, n) => {
      return { id: `nothing-${n}`, use: here('do-nothing.ts') }
    })
    const config = {
      // All streams are one principal's.
      listen: { host: '127.0.0.1', port: 0, streams: 100_000 },
      admin: false,
      upstreams: Object.fromEntries(entries),
      plugins: [{ use: 'auth-none' }, ...plugins],
    }
    const file = join(this.#folder, `${this.#files++}.yaml`)
    await writeFile(file, JSON.stringify(config))
    return start([here('../../../core/boot/main.ts'), 'start', file], this.#cores.measured)
  }

  /** The bare relay that the gateway is compared with. */
  floor(upstream: string): Promise<Started> {
    return start([here('../floor.ts'), upstream], this.#cores.measured)
  }

  /** Keeps connections open until the axis has been measured. */
  hold(sockets: readonly Socket[]): void {
    this.#held.push(...sockets)
  }

  /** Lets them go. */
  release(): void {
    drop(this.#held.splice(0))
  }
}
