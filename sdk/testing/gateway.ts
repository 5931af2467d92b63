import { statusSections } from '../../core/boot/admin/status.ts'
import { runCommand } from '../../core/boot/commands/commands.ts'
import type { PluginLine } from '../../core/kernel/hooks.ts'
import type { Kernel } from '../../core/kernel/kernel.ts'
import type { Lifecycle } from '../../core/kernel/lifecycle.ts'
import { PausedOutcome } from '../../core/kernel/pauses.ts'
import type { CallRequest, Exchange } from '../../core/kernel/ports.ts'
import type { Wheel } from '../../core/kernel/wheel.ts'
import type { EmbeddedServices } from '../../core/services/embedded.ts'
import {
  type Authenticated,
  type AuthRequest,
  type Caller,
  type Challenge,
  type Denial,
  deny,
  type Entry,
  type Event,
  type Health,
  type Outcome,
  type Principal,
  type Route,
  type ToolDefinition,
} from '../index.ts'
import { type AnswerOptions, type CallOptions, cancellable, describe } from './call.ts'
import type { FakeClock } from './clock.ts'
import { deepFreeze } from './freeze.ts'
import type { LogLine } from './log.ts'
import {
  authRequest,
  type CallerParts,
  callRequest,
  type HeaderParts,
  type TestCallers,
} from './request.ts'
import { type FakeServers, listedTool, type Sent, type TestTool } from './upstream.ts'

interface TestGatewayParts {
  readonly kernel: Kernel
  readonly lines: readonly PluginLine[]
  readonly lifecycle: Lifecycle
  readonly wheel: Wheel
  readonly embedded: EmbeddedServices
  readonly callers: TestCallers
  readonly servers: FakeServers
  readonly clock: FakeClock
  readonly events: readonly Event[]
  readonly logs: readonly LogLine[]
  readonly faults: unknown[]
}

interface Asked {
  readonly name: string
  readonly args: Readonly<Record<string, unknown>>
  readonly options: CallOptions
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
  readonly #asked = new WeakMap<Outcome, Asked>()
  #requests = 0

  constructor(parts: TestGatewayParts) {
    this.#parts = parts
    this.clock = parts.clock
    this.events = parts.events
    this.logs = parts.logs
  }

  /** What reached the upstreams, oldest first. */
  get sent(): readonly Sent[] {
    return this.#parts.servers.sent
  }

  /** The whole catalog, before any caller's filter. */
  get entries(): readonly Entry[] {
    return deepFreeze(this.#parts.kernel.catalog.entries)
  }

  /** The names that a caller lists, in order. Rejects when a hook fails. */
  async list(caller?: CallerParts): Promise<string[]> {
    return (await this.tools(caller)).map(({ name }) => name)
  }

  /** The definitions that a caller lists, in order. Rejects when a hook fails. */
  async tools(parts?: CallerParts): Promise<ToolDefinition[]> {
    const { kernel } = this.#parts
    const caller = this.#caller(parts)
    const { text, count } = (await kernel.list(caller)).tool
    const requestId = this.#nextRequest()
    kernel.emit({ type: 'list', method: 'tools/list', caller, count, requestId })
    return JSON.parse(text)
  }

  /**
   * Calls a tool, or what else `method` says, by the name clients use. A denial or a failure is an outcome, not a rejection.
   * Rejects with what `reply` threw.
   */
  async call(
    name: string,
    args: Readonly<Record<string, unknown>> = {},
    options: CallOptions = {},
  ): Promise<Outcome> {
    return this.#call(name, args, options, {})
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
    { caller, name, args }: AnswerOptions = {},
  ): Promise<Outcome> {
    const asked = this.#asked.get(question)
    if (asked === undefined || !(question instanceof PausedOutcome)) {
      throw new Error(`nothing was asked: ${describe(this.events, question)}`)
    }
    const responses = Object.fromEntries(
      [question.paused, ...question.paused.inside]
        .flatMap(({ asked }) => asked)
        .flatMap(([wire, , key]) => (Object.hasOwn(answers, key) ? [[wire, answers[key]]] : [])),
    )
    const options = caller === undefined ? asked.options : { ...asked.options, caller }
    return this.#call(name ?? asked.name, args ?? asked.args, options, {
      state: question.state,
      responses,
    })
  }

  async #call(
    name: string,
    args: Readonly<Record<string, unknown>>,
    options: CallOptions,
    retry: Pick<CallRequest, 'state' | 'responses'>,
  ): Promise<Outcome> {
    const { caller, meta = {}, cancel, method } = options
    const { kernel, faults } = this.#parts
    const requestId = this.#nextRequest()
    const exchange: Exchange = {
      wire: 'test',
      requestId,
      sessionId: undefined,
      headers: {},
      message() {},
      round: undefined,
    }
    const running = kernel.call(
      callRequest(requestId, name, args, meta, retry, method),
      this.#caller(caller),
      exchange,
    )
    const outcome = await cancellable(running, exchange, cancel)
    if (faults.length > 0) throw faults.shift()
    if (outcome.kind === 'question') this.#asked.set(outcome, { name, args, options })
    return outcome
  }

  /** The MCP result of a call. @throws Error when the call ended otherwise, saying how */
  async result(
    name: string,
    args?: Readonly<Record<string, unknown>>,
    options?: CallOptions,
  ): Promise<Readonly<Record<string, unknown>>> {
    const outcome = await this.call(name, args, options)
    if (outcome.kind === 'result') return outcome.result
    throw new Error(`${name} gave no result: ${describe(this.events, outcome)}`)
  }

  /** The denial of a call. @throws Error when the call was not denied, saying how it ended */
  async denied(
    name: string,
    args?: Readonly<Record<string, unknown>>,
    options?: CallOptions,
  ): Promise<Denial> {
    const outcome = await this.call(name, args, options)
    if (outcome.kind === 'denial') return outcome
    throw new Error(`${name} was not denied: ${describe(this.events, outcome)}`)
  }

  /** Who sends a request with these headers, or why nobody. Rejects when a hook fails. */
  async authenticate(
    headers: HeaderParts = {},
    request: Partial<Omit<AuthRequest, 'headers'>> = {},
  ): Promise<Authenticated | Denial> {
    const { kernel } = this.#parts
    const whole = authRequest(headers, request, this.#nextRequest())
    const found = await kernel.authenticate(whole)
    if (!('principal' in found)) {
      const { path, requestId } = whole
      kernel.emit({ type: 'auth.refused', denial: found, path, requestId })
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
    const request = authRequest(headers, {}, this.#nextRequest())
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

  /** Stops the plugins in reverse order. Idempotent. */
  async stop(): Promise<void> {
    await this.#parts.lifecycle.stop()
    await this.#parts.embedded.close()
    this.#parts.wheel.close()
  }

  #caller(parts: CallerParts | undefined): Caller {
    const caller = this.#parts.callers.complete(parts)
    const { principal, client, path } = caller
    const key = JSON.stringify(client)
    return deepFreeze(this.#parts.kernel.callers.get(principal, path, key, () => client))
  }

  #nextRequest(): string {
    return `request-${++this.#requests}`
  }
}
