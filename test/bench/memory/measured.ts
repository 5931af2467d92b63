import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { launch } from '../process.ts'

/** What a process is asked by IPC. */
export interface CensusOrder {
  readonly census: true
  /** A file for a snapshot of the heap, to look for what is kept. */
  readonly snapshot?: string | undefined
}

/** What a process holds after a collection of garbage. Bytes. */
export interface Census {
  readonly heap: number
  /** Memory that objects hold outside the heap: buffers. */
  readonly external: number
  readonly rss: number
  /** What keeps its event loop going, by kind: sockets, timers, pipes, children. */
  readonly resources: Readonly<Record<string, number>>
  /** Processes that it has started and that are there; 0 where the system does not tell. */
  readonly children: number
}

const READY = 15_000
const LAST_WORDS = 20
/** Looks until a process is at rest, and the milliseconds between two. */
const LOOKS = 20
const BETWEEN = 250
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))

/** A process that says what it holds. */
export class Measured {
  readonly url: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, url: string) {
    this.#child = child
    this.url = url
  }

  /** Starts `node <args>` and waits until it listens. Rejects with its last words when it does not. */
  static async start(args: readonly string[], core: number | undefined): Promise<Measured> {
    const flags = ['--expose-gc', '--import', here('census.ts')]
    const child = launch([...flags, ...args], core, 'pipe')
    const words: string[] = []
    let late: NodeJS.Timeout | undefined
    const url = new Promise<string>((resolve, reject) => {
      const fail = (reason: string) => reject(new Error([reason, ...words].join('\n  ')))
      late = setTimeout(() => fail(`${args[0]}: not listening after ${READY / 1000} s`), READY)
      child.once('error', (cause) => fail(cause.message))
      child.once('close', () => fail(`${args[0]}: ended before it listened`))
      child.once('message', ({ url: said }: { url?: string }) => {
        if (said !== undefined) resolve(said)
      })
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream as Readable }).on('line', (line) => {
          words.push(line)
          if (words.length > LAST_WORDS) words.shift()
          if (line.includes('"msg":"listening"')) resolve(JSON.parse(line).url)
        })
      }
    })
    try {
      return new Measured(child, await url)
    } finally {
      clearTimeout(late)
    }
  }

  /** What it holds now. @param snapshot a file to write its heap to */
  census(snapshot?: string): Promise<Census> {
    return this.order({ census: true, snapshot } satisfies CensusOrder, 'census')
  }

  /** What it holds once it holds no less from one look to the next. */
  async atRest(): Promise<Census> {
    let last = await this.census()
    for (let look = 0; look < LOOKS; look++) {
      await pause(BETWEEN)
      const now = await this.census()
      if (now.heap > last.heap - 32 * 1024 && sockets(now) >= sockets(last)) return now
      last = now
    }
    return last
  }

  /** Orders something by IPC. Resolves with the answer that has this key. */
  order<T>(message: object, key: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const gone = () => reject(new Error('the measured process has ended'))
      const hear = (answer: Record<string, T>) => {
        if (!(key in answer)) return
        this.#child.off('exit', gone)
        this.#child.off('message', hear)
        resolve(answer[key] as T)
      }
      this.#child.once('exit', gone)
      this.#child.on('message', hear)
      this.#child.send(message)
    })
  }

  /** Ends it. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#child.exitCode !== null) return resolve()
      this.#child.once('exit', () => resolve())
      this.#child.kill('SIGTERM')
      setTimeout(() => this.#child.kill('SIGKILL'), 5_000).unref()
    })
  }
}

/** How many sockets a process holds. */
export function sockets({ resources }: Census): number {
  return resources.TCPSocketWrap ?? 0
}
