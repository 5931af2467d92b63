import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import type { Wheel } from '../hooks/wheel.ts'
import { MAX_MESSAGE } from './message.ts'
import type { UpstreamConfig } from './settings.ts'

/** Variables a stdio server inherits; everything else must be configured. */
const INHERITED = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'TERM',
  'LANG',
  'LC_ALL',
  'TZ',
  'TMPDIR',
  'SYSTEMROOT',
  'APPDATA',
  'LOCALAPPDATA',
  'PATHEXT',
]
const STDERR_LINES = 20
/** Characters of a line that are kept. */
const STDERR_LINE = 2_000
const TERM_GRACE = 5_000
/** How long what it wrote before its end may take to be read. */
const LAST_WORDS = 1_000
const NEWLINE = 10

/** What a stdio server does. */
export interface ProcessEvents {
  /** One line of stdout, without its end. */
  frame(line: string): void
  stderr(line: string): void
  /** Once, when it is gone or cannot be started. */
  exited(reason: string): void
}

/** A stdio server in a process group of its own, so that what it starts ends with it. */
export class StdioProcess {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #events: ProcessEvents
  readonly #wheel: Wheel
  readonly #lines: string[] = []
  readonly #gone: Promise<void>
  /** What was said in this turn of the event loop and is not written. */
  #said = ''
  #parts: Buffer[] = []
  #size = 0
  #partial = ''
  #exited = false
  /** Why it was killed. */
  #fault: string | undefined

  constructor(config: UpstreamConfig, wheel: Wheel, events: ProcessEvents) {
    this.#events = events
    this.#wheel = wheel
    const [program = '', ...args] = config.command ?? []
    const inherited = Object.fromEntries(
      INHERITED.flatMap((name) =>
        process.env[name] === undefined ? [] : [[name, process.env[name]]],
      ),
    )
    this.#child = spawn(program, args, {
      cwd: config.cwd,
      env: { ...inherited, ...config.env },
      detached: process.platform !== 'win32',
      stdio: 'pipe',
      windowsHide: true,
    })
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#gone = promise
    this.#child.stdout.on('data', (chunk: Buffer) => this.#read(chunk))
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => this.#readStderr(text))
    // A write to a server that has just died must not end the gateway; `close` tells the rest.
    this.#child.stdin.on('error', () => {})
    this.#child.on('error', (error) => this.#end(`could not be started: ${error.message}`, resolve))
    this.#child.on('exit', () => this.#leave())
    this.#child.on('close', (code, signal) => {
      const how = signal === null ? `exited with code ${code}` : `was ended by ${signal}`
      this.#end(this.#fault ?? how, resolve)
    })
  }

  /** The last lines it wrote to stderr. */
  get stderr(): readonly string[] {
    return this.#lines
  }

  /** Sends one message, which must hold no line break, soon: what many calls say at once leaves together. */
  write(message: string): void {
    if (this.#said === '') setImmediate(() => this.#flush())
    this.#said += `${message}\n`
  }

  /** Closes stdin, then SIGTERM to the group, after 5 s SIGKILL. Resolves when it is gone. */
  async stop(): Promise<void> {
    if (this.#exited) return
    this.#flush()
    this.#child.stdin.end()
    this.#signal('SIGTERM')
    const alarm = this.#wheel.after(TERM_GRACE, () => this.#signal('SIGKILL'))
    await this.#gone
    this.#wheel.remove(alarm)
  }

  #flush(): void {
    const said = this.#said
    this.#said = ''
    if (said !== '' && this.#child.stdin.writable) this.#child.stdin.write(said)
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child
    if (pid === undefined) return
    try {
      if (process.platform === 'win32') this.#child.kill(signal)
      else process.kill(-pid, signal)
    } catch {
      // The group is gone already.
    }
  }

  /** It is gone; what it started may be there still, and hold its pipes open. */
  #leave(): void {
    this.#signal('SIGKILL')
    const alarm = this.#wheel.after(LAST_WORDS, () => {
      this.#child.stdout.destroy()
      this.#child.stderr.destroy()
    })
    void this.#gone.then(() => this.#wheel.remove(alarm))
  }

  #end(reason: string, resolve: () => void): void {
    if (this.#exited) return
    this.#exited = true
    if (this.#partial !== '') this.#keepLine(this.#partial)
    resolve()
    this.#events.exited(reason)
  }

  #read(chunk: Buffer): void {
    let from = 0
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      const piece = chunk.subarray(from, at)
      from = at + 1
      const line = this.#parts.length === 0 ? piece : Buffer.concat([...this.#parts, piece])
      this.#parts = []
      this.#size = 0
      const text = line.toString('utf8').trim()
      if (text !== '') this.#events.frame(text)
    }
    if (from === chunk.length) return
    this.#parts.push(chunk.subarray(from))
    this.#size += chunk.length - from
    if (this.#size <= MAX_MESSAGE) return
    this.#fault ??= `sent a message larger than ${MAX_MESSAGE} bytes and was ended`
    this.#parts = []
    this.#size = 0
    this.#child.stdout.destroy()
    this.#signal('SIGKILL')
  }

  #readStderr(text: string): void {
    const lines = `${this.#partial}${text}`.split('\n')
    this.#partial = (lines.pop() ?? '').slice(0, STDERR_LINE)
    for (const line of lines) this.#keepLine(line)
  }

  #keepLine(whole: string): void {
    const line = whole.trimEnd().slice(0, STDERR_LINE)
    if (line === '') return
    this.#lines.push(line)
    if (this.#lines.length > STDERR_LINES) this.#lines.shift()
    this.#events.stderr(line)
  }
}
