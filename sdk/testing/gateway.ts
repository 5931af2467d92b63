import { statusSections } from '../../core/boot/admin/status.ts'
import { runCommand } from '../../core/boot/commands/commands.ts'
import { type Rehearsal, rehearse } from '../../core/boot/commands/rehearsal.ts'
import { messageOf } from '../../core/hooks/errors.ts'
import type { PluginLine } from '../../core/hooks/hooks.ts'
import type { Lifecycle } from '../../core/hooks/lifecycle.ts'
import type { Wheel } from '../../core/hooks/wheel.ts'
import type { ShadowRow } from '../../core/services/dry/shadow-report.ts'
import type { EmbeddedServices } from '../../core/services/embedded.ts'
import {
  type Authenticated,
  type AuthRequest,
  type Challenge,
  type Denial,
  deny,
  type Entry,
  type EntryKind,
  type Event,
  type Health,
  type Message,
  type Outcome,
  type Principal,
  type Route,
  type ToolDefinition,
} from '../index.ts'
import { type AnswerOptions, type CallOptions, describe, unexpected } from './call.ts'
import { NAMED_BY, TestClient, type TestClientParts } from './client.ts'
import type { FakeClock } from './clock.ts'
import { deepFreeze } from './freeze.ts'
import type { LogLine } from './log.ts'
import { patiently } from './patience.ts'
import { authRequest, type CallerParts, type HeaderParts } from './request.ts'
import { type FakeServers, listedTool, type Sent, type TestTool } from './upstream.ts'

interface TestGatewayParts extends TestClientParts {
  readonly lines: readonly PluginLine[]
  readonly lifecycle: Lifecycle
  readonly wheel: Wheel
  readonly embedded: EmbeddedServices
  readonly servers: FakeServers
  readonly logs: readonly LogLine[]
}

/** A gateway with the plugins under test, a clock that stands still and upstreams that play along. */
export class TestGateway {
  /** Time: moves when told to. */
  readonly clock: FakeClock
  /** Everything `observe` was told, oldest first. */
  readonly events: readonly Event[]
  /** Everything the plugins logged, oldest first. */
  readonly logs: readonly LogLine[]
  readonly #parts: TestGatewayParts
  readonly #client: TestClient

  constructor(parts: TestGatewayParts) {
    this.#parts = parts
    this.#client = new TestClient(parts)
    this.clock = parts.clock
    this.events = parts.events
    this.logs = parts.logs
  }

  /** What reached the upstreams, oldest first. */
  get sent(): readonly Sent[] {
    return this.#parts.servers.sent
  }

  /** The notifications that reached clients before their answers, oldest first. */
  get messages(): readonly Message[] {
    return this.#client.messages
  }

  /** The whole catalog, before any caller's filter: what plugins offer included. */
  get entries(): readonly Entry[] {
    return deepFreeze(this.#parts.kernel.catalog.entries)
  }

  /** The names of one kind that a caller lists, in order; of resources the URIs. Rejects when a hook fails. */
  async list(caller?: CallerParts, kind: EntryKind = 'tool'): Promise<string[]> {
    const definitions = await this.#client.listed(caller, kind)
    return definitions.map((one) => String(one[NAMED_BY[kind]]))
  }

  /** The definitions of tools that a caller lists, in order. Rejects when a hook fails. */
  async tools(caller?: CallerParts): Promise<ToolDefinition[]> {
    return this.#client.listed(caller, 'tool')
  }

  /**
   * The names of one kind that a caller may call, in order: also those that a `present` keeps from its list.
   * What `Calls.list` gives. Rejects when a hook fails.
   */
  async permitted(parts?: CallerParts, kind: EntryKind = 'tool'): Promise<string[]> {
    const { kernel, clock } = this.#parts
    const caller = this.#client.caller(parts)
    const running = kernel.permitted(caller, { kinds: [kind] }, '')
    const entries = await patiently(running, clock, () => 'what is permitted')
    return entries.map(({ name }) => name)
  }

  /** What `observe` was told of one kind, oldest first. */
  told<T extends Event['type']>(type: T): Extract<Event, { readonly type: T }>[] {
    const isOfType = (event: Event): event is Extract<Event, { readonly type: T }> =>
      event.type === type
    return this.events.filter(isOfType)
  }

  /**
   * Calls a tool, or what else `method` says, by the name clients use. A denial or a failure is an outcome,
   * not a rejection.
   * Rejects with what `reply` threw.
   */
  async call(
    name: string,
    args: Readonly<Record<string, unknown>> = {},
    options: CallOptions = {},
  ): Promise<Outcome> {
    return this.#client.call(name, args, options)
  }

  /**
   * Comes back with answers to the question that a call ended with: the same request again, as a client
   * would send it.
   * @param answers by the plugin's own keys, for example `{ confirm: { action: 'accept', content: {} } }`
   * @throws Error when the outcome is no question, or its state has been tampered with on the way
   */
  async answer(
    question: Outcome,
    answers: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
    options: AnswerOptions = {},
  ): Promise<Outcome> {
    return this.#client.answer(question, answers, options)
  }

  /** The MCP result of a call. @throws Error when the call ended otherwise, saying how */
  async result(
    name: string,
    args?: Readonly<Record<string, unknown>>,
    options?: CallOptions,
  ): Promise<Readonly<Record<string, unknown>>> {
    const outcome = await this.call(name, args, options)
    if (outcome.kind === 'result') return outcome.result
    throw unexpected(`${name} gave no result`, this.events, outcome)
  }

  /** The denial of a call. @throws Error when the call was not denied, saying how it ended */
  async denied(
    name: string,
    args?: Readonly<Record<string, unknown>>,
    options?: CallOptions,
  ): Promise<Denial> {
    const outcome = await this.call(name, args, options)
    if (outcome.kind === 'denial') return outcome
    throw unexpected(`${name} was not denied`, this.events, outcome)
  }

  /**
   * What the plugins would say to a call that is not made, as `patchbay explain --args` tells it.
   * @throws Error (as a rejection) when the caller may not use the tool
   */
  async rehearse(
    name: string,
    args: Readonly<Record<string, unknown>> = {},
    parts?: CallerParts,
  ): Promise<Rehearsal> {
    const { kernel, lines, wheel, embedded } = this.#parts
    const caller = this.#client.caller(parts)
    const entry = (await kernel.permitted(caller, {}, '')).find((one) => one.name === name)
    if (entry === undefined) throw new Error(`${name} is not permitted to this caller`)
    return rehearse({ kernel, lines, wheel, runs: embedded.shadow.runs }, caller, entry, args)
  }

  /** What plugins in shadow would have done so far, as `patchbay shadow` tells it. */
  shadow(): readonly ShadowRow[] {
    return this.#parts.embedded.shadow.report.rows()
  }

  /** Who sends a request with these headers, or why nobody. Rejects when a hook fails. */
  async authenticate(
    headers: HeaderParts = {},
    request: Partial<Omit<AuthRequest, 'headers'>> = {},
  ): Promise<Authenticated | Denial> {
    const { kernel, clock } = this.#parts
    const whole = authRequest(headers, request, this.#client.nextRequest())
    const found = await patiently(kernel.authenticate(whole), clock, () => '`authenticate`')
    if (!('principal' in found)) {
      const { path, remoteAddress, requestId } = whole
      kernel.emit({ type: 'auth.refused', denial: found, path, remoteAddress, requestId })
    }
    return found
  }

  /** The principal behind these headers. @throws Error when they are refused */
  async admitted(
    headers?: HeaderParts,
    request?: Partial<Omit<AuthRequest, 'headers'>>,
  ): Promise<Principal> {
    const found = await this.authenticate(headers, request)
    if ('principal' in found) return found.principal
    throw new Error(`refused: ${describe(this.events, found)}`)
  }

  /** Why these headers are refused. @throws Error when they are admitted */
  async refused(
    headers?: HeaderParts,
    request?: Partial<Omit<AuthRequest, 'headers'>>,
  ): Promise<Denial> {
    const found = await this.authenticate(headers, request)
    if (!('principal' in found)) return found
    throw new Error(`admitted as ${found.principal.issuer} ${found.principal.subject}`)
  }

  /** How to authenticate, as told to a request with these headers that is refused. */
  challenges(
    headers: HeaderParts = {},
    denial: Denial = deny('UNAUTHENTICATED', 'no valid credentials were sent'),
  ): readonly Challenge[] {
    const request = authRequest(headers, {}, this.#client.nextRequest())
    return this.#parts.kernel.challenges(request, denial)
  }

  /** An upstream lists these tools now, in place of those it listed before. */
  async offer(upstream: string, tools: readonly TestTool[]): Promise<void> {
    await this.#parts.kernel.catalog.update(upstream, tools.map(listedTool), true)
  }

  /** Tells the plugins' `observe` of something the test cannot bring about, like an upstream's state. */
  emit(event: Event): void {
    this.#parts.kernel.emit(event)
  }

  /** The routes that the plugins add. */
  routes(): readonly Route[] {
    const routes: Route[] = []
    for (const { run } of this.#parts.kernel.hooks.on.routes ?? []) {
      run({ add: (route) => routes.push(route) })
    }
    return routes
  }

  /** The health of every plugin that reports any, by the id of its line. */
  health(): Promise<Record<string, Health>> {
    return this.#parts.lifecycle.health()
  }

  /** Every plugin's section of `/status`, by the id of its line; `{ error }` for one that failed. */
  status(): Promise<Record<string, object>> {
    return statusSections(this.#parts.kernel.hooks)
  }

  /**
   * Runs a plugin's command as an operator, the usual caller's principal.
   * @param plugin the id of its line
   * @throws Error (as a rejection) with the operator's text when there is none, or it fails
   */
  command(
    plugin: string,
    name: string,
    args: Readonly<Record<string, unknown>> = {},
  ): Promise<object | string> {
    const { lines, wheel, callers } = this.#parts
    return runCommand(lines, { plugin, name, args, ...callers.complete() }, wheel)
  }

  /** Forgets what filters and presentations said: every caller is asked for again. */
  invalidate(): void {
    this.#parts.kernel.invalidate()
  }

  /** Stops the plugins in reverse order. Idempotent. @throws Error (as a rejection) when a `stop` fails */
  async stop(): Promise<void> {
    const { lifecycle, embedded, wheel, clock } = this.#parts
    const before = this.events.length
    await patiently(lifecycle.stop(), clock, () => '`stop`')
    await embedded.close()
    wheel.close()
    for (const event of this.events.slice(before)) {
      if (event.type !== 'plugin.failed' || event.hook !== 'stop') continue
      const { plugin, cause } = event
      throw new Error(`plugin ${plugin}, hook stop: ${messageOf(cause)}`, { cause })
    }
  }
}
