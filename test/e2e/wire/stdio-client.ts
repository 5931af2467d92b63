import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Scope } from '../../fixtures/gateway.ts'

/** The program, to be run by Node.js. */
export const PROGRAM = resolve(import.meta.dirname, '../../../core/boot/main.ts')

/** A folder with a config file in it, that ends with the scope. @returns the path of the config file */
export function configFile(
  scope: Scope,
  config: object,
  files: Readonly<Record<string, string>> = {},
): string {
  const folder = mkdtempSync(join(tmpdir(), 'patchbay-stdio-'))
  scope.after(() => rmSync(folder, { recursive: true, force: true }))
  const all = { 'patchbay.yaml': JSON.stringify({ drain: '2s', ...config }), ...files }
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return join(folder, 'patchbay.yaml')
}

/** A client that speaks to `patchbay stdio` as lines. */
export interface StdioChild {
  readonly child: ChildProcess
  /** Writes a message, or bytes as they are. */
  send(message: object | string | Buffer): void
  /** The message that is so, once it has come. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  seen(holds: (message: any) => boolean): Promise<any>
  /** Sends a request and waits for its answer. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  ask(id: string | number, method: string, params?: object): Promise<any>
  /** All lines so far, as they came. */
  readonly lines: readonly string[]
  /** What it wrote to stderr. */
  errors(): string
  /** Ends its input, and waits for the process. @returns the exit code */
  end(): Promise<number | null>
  /** @returns the exit code */
  readonly exit: Promise<number | null>
}

/** Starts `patchbay stdio` with these arguments. */
export function startStdio(
  scope: Scope,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): StdioChild {
  const child = spawn(process.execPath, [PROGRAM, 'stdio', ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  const exit = new Promise<number | null>((done) => child.once('close', (code) => done(code)))
  scope.after(async () => {
    child.kill('SIGKILL')
    await exit
  })
  const lines: string[] = []
  const looks = new Set<() => void>()
  let rest = ''
  let errors = ''
  child.stdin.on('error', () => {})
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
    for (const look of looks) look()
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk
  })
  const seen: StdioChild['seen'] = (holds) =>
    new Promise((found, failed) => {
      const look = () => {
        const message = lines.map((line) => JSON.parse(line)).find(holds)
        if (message === undefined) return
        looks.delete(look)
        found(message)
      }
      looks.add(look)
      void exit.then(() =>
        failed(new Error(`ended without ${holds}\n${lines.join('\n')}\n${errors}`)),
      )
      look()
    })
  const send: StdioChild['send'] = (message) => {
    const raw = typeof message === 'string' || Buffer.isBuffer(message)
    child.stdin.write(raw ? message : `${JSON.stringify(message)}\n`)
  }
  return {
    child,
    send,
    seen,
    lines,
    exit,
    errors: () => errors,
    ask(id, method, params) {
      send({ jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) })
      return seen((message) => message.id === id && ('result' in message || 'error' in message))
    },
    end() {
      child.stdin.end()
      return exit
    },
  }
}
