import { styleText } from 'node:util'
import type { Event, UpstreamStatus } from '../../sdk/index.ts'
import { shownPath } from './config/config-file.ts'
import type { GatewayConfig } from './config/settings.ts'
import type { Gateway } from './gateway.ts'
import type { LogLine } from './log.ts'
import { gatewayVersion } from './version.ts'

/** How long the snippet waits for upstreams that have not answered, in milliseconds. */
const PATIENCE = 3_000

const ATTENTION: Record<string, 'yellow' | 'red'> = { warn: 'yellow', error: 'red', fatal: 'red' }

/** What a person sees at start: where the gateway is, what runs in it, and how its upstreams do. */
export class Banner {
  readonly #config: GatewayConfig
  readonly #out: (line: string) => void
  /** Upstream id → what was last printed of it. */
  readonly #told = new Map<string, string>()
  #snippet: string | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(config: GatewayConfig, out: (line: string) => void) {
    this.#config = config
    this.#out = out
  }

  /** Prints the head, then upstreams as they arrive, then the snippet to paste into a client. */
  open(gateway: Pick<Gateway, 'url' | 'adminUrl' | 'status' | 'watch'>): void {
    const { file, plugins, workers } = this.#config
    const endpoint = new URL('/mcp', gateway.url).href
    const named = plugins.map(({ id, mode }) => (mode === 'shadow' ? `${id} (shadow)` : id))
    const order = named.join(' → ')
    const none = styleText('yellow', 'none: every request is refused. Enable an auth plugin.')
    this.#out('')
    this.#out(`  ${styleText('bold', 'Patchbay')} ${gatewayVersion()}`)
    this.#out('')
    this.#out(`  Endpoint   ${styleText('cyan', endpoint)}`)
    if (gateway.adminUrl !== undefined) this.#out(`  Admin      ${gateway.adminUrl}`)
    if (workers > 1) this.#out(`  Workers    ${workers}`)
    this.#out(`  Config     ${shownPath(file)}`)
    this.#out(`  Plugins    ${order || none}`)
    this.#out(`  Upstreams  ${this.#enabled().length || 'none'}`)
    this.#out('')
    const server = { mcpServers: { patchbay: { type: 'http', url: endpoint } } }
    this.#snippet = JSON.stringify(server)
    gateway.watch((event) => this.#take(event))
    for (const [id, status] of Object.entries(gateway.status())) this.#tell(id, status)
    this.#timer = setTimeout(() => this.#tellSnippet(), PATIENCE).unref()
    this.#tellSnippetWhenDone()
  }

  /** Prints a line of the log as people read it; not those about upstreams, which have lines of their own. */
  log({ level, time, msg = '', name: _, ...fields }: LogLine): void {
    if ('upstream' in fields && 'state' in fields) return
    const color = ATTENTION[level] ?? 'dim'
    const rest = Object.entries(fields).map(([key, value]) => `${key}=${inWords(value)}`)
    const clock = new Date(time).toTimeString().slice(0, 8)
    this.#out(
      `  ${styleText('dim', clock)} ${styleText(color, level)} ${[msg, ...rest].join('  ')}`,
    )
  }

  /** Prints the last line. */
  close(cut: number): void {
    clearTimeout(this.#timer)
    this.#out(
      cut === 0 ? '  Stopped.' : `  Stopped; ${cut} ${cut === 1 ? 'call was' : 'calls were'} cut.`,
    )
  }

  #take(event: Event): void {
    if (event.type === 'upstream.state') this.#tell(event.upstream, event.state)
    this.#tellSnippetWhenDone()
  }

  #tell(id: string, status: UpstreamStatus): void {
    const wire = this.#config.upstreams.find((one) => one.id === id)?.command ? 'stdio' : 'http'
    const { state, tools, era, error = '', nextAttempt } = status
    if (state === 'ready') {
      const about = styleText('dim', `(${[wire, era].filter(Boolean).join(', ')})`)
      const count = `${tools} ${tools === 1 ? 'tool' : 'tools'}`
      this.#once(id, `${styleText('green', '✓')} ${id}  ${count}  ${about}`)
    }
    if (state === 'down') {
      const seconds = Math.max(0, Math.ceil(((nextAttempt ?? 0) - Date.now()) / 1_000))
      const next = nextAttempt === undefined ? '' : `, next attempt in ${seconds} s`
      // The seconds differ each time: the same error is news only once.
      this.#once(id, `${styleText('red', '✗')} ${id}  down: ${error}`, next)
    }
    if (state === 'auth-required') {
      this.#once(id, `${styleText('yellow', '✗')} ${id}  needs credentials: ${error}`)
    }
  }

  #once(id: string, line: string, more = ''): void {
    if (this.#told.get(id) === line) return
    this.#told.set(id, line)
    this.#out(`  ${line}${more}`)
  }

  #enabled(): readonly string[] {
    return this.#config.upstreams.flatMap(({ id, enabled }) => (enabled ? id : []))
  }

  #tellSnippetWhenDone(): void {
    if (this.#enabled().every((id) => this.#told.has(id))) this.#tellSnippet()
  }

  #tellSnippet(): void {
    if (this.#snippet === undefined) return
    clearTimeout(this.#timer)
    this.#out('')
    this.#out(`  ${styleText('dim', 'For an MCP client:')}`)
    this.#out(`  ${this.#snippet}`)
    this.#out('')
    this.#snippet = undefined
  }
}

function inWords(value: unknown): string {
  if (typeof value === 'string') return value
  const { message } = (value ?? {}) as { message?: unknown }
  return typeof message === 'string' ? message : JSON.stringify(value)
}
