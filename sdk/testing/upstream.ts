import type { UpstreamNames } from '../../core/catalog/catalog.ts'
import type { ListedEntry } from '../../core/catalog/ports.ts'
import { isPromise } from '../../core/hooks/hooks.ts'
import { RelayedResult } from '../../core/kernel/outcome.ts'
import type { Servers, Traces, Vault } from '../../core/kernel/ports.ts'
import type { Round } from '../../core/kernel/round.ts'
import { readAsk } from '../../core/outbound/upstream-ask.ts'
import { isObject } from '../../core/wire/json.ts'
import {
  type AttemptSpan,
  type Caller,
  type Maybe,
  type Message,
  type Outcome,
  ServiceError,
  type Target,
  type ToolDefinition,
  type Upstreams,
} from '../index.ts'

/** A tool of the fake upstream: its definition, or just its name. */
export type TestTool = string | ToolDefinition

/** What an upstream lists for one credential identity; `undefined` while it cannot be had. */
export type OwnTools = (
  upstream: string,
  identity: string,
) => Maybe<readonly TestTool[] | undefined>

/** One call that reached an upstream, after every plugin. */
export interface Sent {
  readonly upstream: string
  /** The upstream's own name of the tool. */
  readonly name: string
  readonly args: Readonly<Record<string, unknown>>
  /** What `credentials` gave; empty when no plugin has any. */
  readonly headers: Readonly<Record<string, string>>
  /** The request's `_meta` besides the envelope, when there is anything in it. */
  readonly meta?: Readonly<Record<string, unknown>>
  /** `inputResponses`: what the client answered to what this upstream asked. */
  readonly responses?: Readonly<Record<string, unknown>>
  /** The upstream's own `requestState`, back again. */
  readonly state?: string
}

/** The fake upstream's refusal of the credentials it was sent: `refused` hooks are asked. */
export interface Unauthorized {
  readonly kind: 'unauthorized'
  readonly httpStatus: number
  /** The upstream's `WWW-Authenticate` header. */
  readonly challenge: string | undefined
}

/** What the fake upstream answers: an MCP result, an outcome, or a refusal of the credentials. */
export type Reply = Readonly<Record<string, unknown>> | Outcome | Unauthorized

/** Sends a notification on the call's own way to the client, before the answer. */
export type Tell = (message: Message) => void

/** To be returned by `reply`: the upstream refuses the credentials with 401 or 403. */
export function unauthorized(httpStatus: 401 | 403, challenge?: string): Unauthorized {
  return { kind: 'unauthorized', httpStatus, challenge }
}

const OUTCOMES: readonly unknown[] = ['result', 'denial', 'failure', 'cancelled']

/** The upstreams of a test: they answer what the test says and remember what reached them. */
export class FakeServers implements Servers {
  readonly sent: Sent[] = []
  /** Set once the kernel exists. */
  vault: Vault | undefined
  traces: Traces | null = null
  readonly #reply: (call: Sent, tell: Tell) => Maybe<Reply>

  readonly #own: OwnTools

  constructor(
    reply: ((call: Sent, tell: Tell) => Maybe<Reply>) | undefined,
    own: OwnTools = () => undefined,
  ) {
    this.#reply = reply ?? (() => ({ content: [{ type: 'text', text: 'ok' }] }))
    this.#own = own
  }

  send(round: Round, headers: Readonly<Record<string, string>> | undefined): Maybe<Outcome> {
    return this.#send(round, headers, 1)
  }

  extensions(): Readonly<Record<string, unknown>> {
    return {}
  }

  instructions(): ReadonlyMap<string, string> {
    return new Map()
  }

  async discover(
    upstream: string,
    identity: string,
    caller: Caller,
  ): Promise<readonly ListedEntry[] | undefined> {
    const query = { upstream, purpose: 'discover', caller } as const
    try {
      await this.vault?.credentials(query)
    } catch {
      // As upstreams do: who has no credentials yet sees nothing.
      return undefined
    }
    return (await this.#own(upstream, identity))?.map(listedTool)
  }

  #send(
    round: Round,
    headers: Readonly<Record<string, string>> | undefined,
    n: number,
  ): Maybe<Outcome> {
    let attempt = this.traces?.attempt(round, n)
    const end = (outcome: Outcome) => {
      attempt?.end(outcome)
      attempt = undefined
      return outcome
    }
    const reply = this.#ask(round, headers, attempt)
    const take = (settled: Reply) =>
      isUnauthorized(settled)
        ? this.#refused(round, settled, headers, n, end)
        : this.#take(round, settled, end)
    if (!isPromise(reply)) return take(reply)
    return Promise.race([
      reply.then(take),
      new Promise<Outcome>((resolve) => {
        round.open = {
          cancel: (reason) => resolve(end({ kind: 'cancelled', reason, executed: 'unknown' })),
        }
      }),
    ])
  }

  #ask(
    round: Round,
    credentials: Readonly<Record<string, string>> | undefined,
    attempt: AttemptSpan | undefined,
  ): Maybe<Reply> {
    const { upstream, name } = round.target as Target
    const headers = { ...attempt?.headers, ...credentials }
    const meta = { ...round.meta, ...attempt?.meta }
    const hasMeta = Object.keys(meta).length > 0
    const { answering } = round
    const sent: Sent = {
      upstream,
      name,
      args: round.args,
      headers,
      ...(hasMeta ? { meta } : {}),
      ...(answering === undefined ? {} : { responses: JSON.parse(answering.text) }),
      ...(answering?.state === undefined ? {} : { state: answering.state }),
    }
    this.sent.push(sent)
    return this.#reply(sent, (message) => round.exchange.message(JSON.stringify(message)))
  }

  #take(
    round: Round,
    reply: Exclude<Reply, Unauthorized>,
    end: (outcome: Outcome) => Outcome,
  ): Maybe<Outcome> {
    if (OUTCOMES.includes(reply.kind) && 'executed' in reply) return end(reply as Outcome)
    const text = JSON.stringify(reply)
    if ('resultType' in reply && reply.resultType === 'input_required') {
      const ask = readAsk(reply as Readonly<Record<string, unknown>>, text)
      if (typeof ask === 'string' || this.vault === undefined) throw new TypeError(String(ask))
      const asked = this.vault.asked(round, ask)
      return isPromise(asked) ? asked.then(end) : end(asked)
    }
    // Through text and back, as on a wire: what JSON cannot say does not arrive.
    return end(new RelayedResult(JSON.parse(text), text))
  }

  async #refused(
    round: Round,
    { httpStatus, challenge }: Unauthorized,
    headers: Readonly<Record<string, string>> | undefined,
    n: number,
    end: (outcome: Outcome) => Outcome,
  ): Promise<Outcome> {
    const { upstream } = round.target as Target
    const failure = end({
      kind: 'failure',
      code: 'UNAVAILABLE',
      message: `${upstream} refused the gateway's credentials (HTTP ${httpStatus})`,
      hint: 'Tell the operator of this gateway.',
      executed: false,
    })
    const query = { upstream, purpose: 'call', caller: round.caller, call: round } as const
    const verdict =
      n === 1 ? await this.vault?.refused(query, httpStatus, challenge, headers) : undefined
    if (verdict === 'retry') return this.#send(round, await this.vault?.credentials(query), 2)
    return verdict ?? failure
  }
}

function isUnauthorized(reply: Reply): reply is Unauthorized {
  return reply.kind === 'unauthorized' && 'httpStatus' in reply
}

/** A tool as if an upstream had listed it. */
export function listedTool(tool: TestTool): ListedEntry<'tool'> {
  const definition = isObject(tool)
    ? tool
    : { name: tool, description: `The tool ${tool}.`, inputSchema: { type: 'object' } }
  const text = JSON.stringify(definition)
  return { kind: 'tool', definition: JSON.parse(text), text }
}

/** The names of an upstream with the config's defaults: its id as prefix, every tool taken. */
export function upstreamNames(
  id: string,
  aliases: Readonly<Record<string, string>> = {},
): UpstreamNames {
  return {
    id,
    prefix: id,
    takes: () => true,
    rename: new Map(),
    alias: new Map(Object.entries(aliases)),
    refresh: 300_000,
  }
}

/** The `Upstreams` of a test: all are well, and stay so. */
export function testUpstreams(ids: readonly string[]): Upstreams {
  const known = (id: string) => {
    if (ids.includes(id)) return
    throw new ServiceError('NO_UPSTREAM', `there is no upstream ${id}`, 'Name it in `tools`.')
  }
  return {
    status: () =>
      Object.fromEntries(ids.map((id) => [id, { state: 'ready', era: 'modern', tools: 0 }])),
    address: (id) => {
      known(id)
      return { host: `${id}.test`, port: 443 }
    },
    refresh: known,
    async reconnect(id) {
      known(id)
    },
  }
}
