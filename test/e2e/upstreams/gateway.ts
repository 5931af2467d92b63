import { setTimeout as pause } from 'node:timers/promises'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { type RunningGateway, type Scope, startWith } from '../../fixtures/gateway.ts'

const PATIENCE = 15_000

/** A gateway whose time moves when told to, seen from its client's side. */
export interface Driven extends RunningGateway {
  readonly clock: FakeClock
  /** Calls a tool the modern way. */
  call(name: string, options?: CallOptions): Promise<Answer>
  /** The names that the client lists. */
  list(options?: CallOptions): Promise<string[]>
  /** Lets time pass, a little at a time, until it is so. */
  passUntil(holds: () => boolean | Promise<boolean>): Promise<void>
}

/** What a client sends with a call. */
export interface CallOptions {
  readonly args?: object
  readonly headers?: Readonly<Record<string, string>>
  readonly meta?: object
  readonly client?: string
  readonly signal?: AbortSignal
}

/** What a client gets. */
export interface Answer {
  readonly result?: {
    readonly isError?: boolean
    readonly content: readonly { readonly text: string }[]
    readonly _meta?: Readonly<Record<string, unknown>>
  }
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown }
}

/** What a driven gateway has besides its upstreams. */
export interface DriveOptions {
  readonly plugins?: readonly object[]
  readonly files?: Record<string, string>
  /** A folder that outlives the gateway. */
  readonly data?: string
  /** Where plugins may go besides the internet. */
  readonly egress?: readonly string[]
  /** What the log keeps: `warn` and above when left out. */
  readonly level?: 'trace'
}

/** Starts a gateway with these upstreams in front of a client who may do everything. */
export async function drive(
  scope: Scope,
  upstreams: object,
  { plugins = [], data, egress = [], ...surroundings }: DriveOptions = {},
): Promise<Driven> {
  const clock = new FakeClock()
  let pump: NodeJS.Timeout | undefined
  // Stopping may have to wait for something, and nobody moves the clock then.
  scope.after(() => {
    pump = setInterval(() => clock.advance(250), 5)
  })
  const config = {
    ...(data === undefined ? {} : { data }),
    egress: { allow: egress },
    upstreams,
    plugins: [{ use: 'auth-none' }, ...plugins],
  }
  const gateway = await startWith(scope, config, { ...surroundings, clock })
  scope.after(() => clearInterval(pump))
  const post = async (method: string, params: object, options: CallOptions = {}) => {
    const { headers = {}, meta = {}, client = 'test', signal = null } = options
    const envelope = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: client, version: '1.0.0' },
      'io.modelcontextprotocol/clientCapabilities': {},
    }
    const name = 'name' in params ? { 'mcp-name': String(params.name) } : {}
    const response = await fetch(gateway.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method,
        ...name,
        ...headers,
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method,
        params: { ...params, _meta: { ...envelope, ...meta } },
      }),
      signal,
    })
    const text = await response.text()
    const last = text.startsWith('{') ? text : text.trim().split('\n').at(-1)?.slice(6)
    return JSON.parse(last ?? '')
  }
  return Object.assign(Object.create(gateway) as RunningGateway, {
    clock,
    call: (name: string, { args = {}, ...options }: CallOptions = {}): Promise<Answer> =>
      post('tools/call', { name, arguments: args }, options),
    list: async (options?: CallOptions): Promise<string[]> => {
      const { result } = await post('tools/list', {}, options)
      return result.tools.map(({ name }: { name: string }) => name)
    },
    passUntil: (holds: () => boolean | Promise<boolean>) =>
      until(async () => {
        if (await holds()) return true
        clock.advance(250)
        return false
      }),
  })
}

/** Resolves once that is so. @throws Error when it never is */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`never came true: ${holds}`)
    await pause(2)
  }
}

/** Whether a failure warns its reader that the work may have been done. */
export function mayHaveRun(answer: Answer): boolean {
  return /Check whether it was done/.test(trouble(answer))
}

/** The text of an answer that is an error for the model. */
export function trouble({ result, error }: Answer): string {
  if (result?.isError === true) return result.content[0]?.text ?? ''
  return error === undefined ? `no trouble: ${JSON.stringify(result)}` : error.message
}
