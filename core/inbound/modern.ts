import type { Caller, Client } from '../../sdk/index.ts'
import type { EntryMethod } from '../catalog/ports.ts'
import { isPromise } from '../hooks/hooks.ts'
import { isObject } from '../wire/json.ts'
import { CODE, decodeHeaderValue, META, MODERN } from '../wire/protocol.ts'
import { AIM } from './aim.ts'
import type { Arrival } from './arrival.ts'
import type { ListGroup } from './list-stream.ts'
import type { ClientMessage } from './message.ts'
import type { Reply } from './replies.ts'
import { stamped } from './stamp.ts'
import { type Honoured, honour, listenUpdates, wantedUris } from './wanted-resources.ts'
import { openStream, proceed, respond, type WireParts } from './wire.ts'

const NOTHING = {}
const NO_CACHE = ',"ttlMs":0,"cacheScope":'

/** Protocol 2026-07-28, whatever carries it: every request describes itself. */
export class ModernEra {
  readonly #parts: WireParts

  constructor(parts: WireParts) {
    this.#parts = parts
  }

  /** Serves one message. */
  serve(arrival: Arrival, message: ClientMessage): void {
    const { replies } = this.#parts
    const wrong = this.#check(arrival, message)
    if (wrong !== undefined) return this.#send(arrival, message, wrong)
    if (message.id === undefined) return arrival.accept()
    const { operations, kernel } = this.#parts
    const caller = this.#caller(arrival, message)
    const method = message.method ?? ''
    const aimed = operations.aimed(method)
    if (aimed !== undefined) return this.#call(aimed, arrival, message, caller)
    switch (method) {
      case 'server/discover': {
        // What servers say is for those who may use them.
        const scope = kernel.lists.differ ? '"private"' : '"public"'
        const members = `"supportedVersions":["${MODERN}"],"capabilities":${operations.capabilities}${NO_CACHE}${scope}`
        const said = () => operations.instructions(caller, arrival.requestId)
        return proceed(this.#parts, arrival, message, said, (instructions) =>
          this.#send(arrival, message, replies.result('modern', members + instructions)),
        )
      }
      case 'subscriptions/listen':
        return this.#listen(arrival, message, caller)
      default: {
        const list = () =>
          operations.lists.answer(method, message, caller, arrival.requestId) ??
          replies.unknownMethod(method, 'modern')
        return proceed(this.#parts, arrival, message, list, (reply) =>
          this.#send(arrival, message, reply),
        )
      }
    }
  }

  #caller({ principal, path }: Arrival, { meta }: ClientMessage): Caller {
    const { callers } = this.#parts.kernel
    const last = callers.last(principal)
    if (last !== undefined && last.path === path && saysThatOf(meta, last.client)) return last
    return callers.get(principal, path, clientKey(meta), () => clientOf(meta))
  }

  #call(method: EntryMethod, arrival: Arrival, message: ClientMessage, caller: Caller): void {
    const { operations } = this.#parts
    const exchange = arrival.exchange('modern', undefined)
    const done = (reply: Reply | undefined) => {
      if (reply === undefined) exchange.abandon()
      else {
        const headers = operations.challengeHeaders(reply.challenge, arrival)
        exchange.finish(reply.status, respond(message, reply), headers)
      }
    }
    const go = (wrong: Reply | undefined) =>
      wrong ?? operations.call(method, message, caller, exchange)
    const call = () => {
      if (method !== 'tools/call' || arrival.mirrors === undefined) return go(undefined)
      const wrong = operations.differing(message, caller, exchange)
      return isPromise(wrong) ? wrong.then(go) : go(wrong)
    }
    proceed(this.#parts, arrival, message, call, done, exchange)
  }

  #listen(arrival: Arrival, message: ClientMessage, caller: Caller): void {
    const { replies } = this.#parts
    const { notifications } = message.params
    if (!isObject(notifications)) {
      const wrong = replies.error(
        200,
        CODE.invalidParams,
        'Invalid params: `notifications` must be an object',
      )
      return this.#send(arrival, message, wrong)
    }
    const uris = wantedUris(notifications.resourceSubscriptions)
    if (uris === undefined) {
      const reason = 'Invalid params: `resourceSubscriptions` must be a list of URIs'
      return this.#send(arrival, message, replies.error(200, CODE.invalidParams, reason))
    }
    if (uris.length === 0) return this.#open(arrival, message, caller, notifications)
    // Not asked for what cannot be told to anybody.
    const { principal, requestId } = arrival
    if (this.#parts.streams.full(principal)) return this.#open(arrival, message, caller, NOTHING)
    const asked = () => honour(uris, caller, requestId, this.#parts)
    proceed(this.#parts, arrival, message, asked, (honoured) => {
      if ('subscriber' in honoured) {
        return this.#open(arrival, message, caller, notifications, honoured)
      }
      const context = { era: 'modern', requestId, status: true } as const
      this.#send(arrival, message, replies.refusal(honoured, context))
    })
  }

  /** Opens the stream for what a listen request gets. */
  #open(
    arrival: Arrival,
    message: ClientMessage,
    caller: Caller,
    notifications: Readonly<Record<string, unknown>>,
    honoured?: Honoured,
  ): void {
    const meta = `"_meta":{"${META.subscriptionId}":${message.id}}`
    const wanted = this.#parts.operations.groups.filter(
      (group) => notifications[`${group}ListChanged`] === true,
    )
    const lists = wanted.map((group) => `"${group}ListChanged":true`)
    const resources =
      honoured === undefined ? [] : `"resourceSubscriptions":${JSON.stringify(honoured.uris)}`
    const agreed = lists.concat(resources).join(',')
    const note = (method: string, params: string) =>
      `{"jsonrpc":"2.0","method":"notifications/${method}","params":{${params}}}`
    const words = {
      opened: note('subscriptions/acknowledged', `"notifications":{${agreed}},${meta}`),
      changed: (group: ListGroup) => note(`${group}/list_changed`, meta),
      updated: (text: string) => stamped(text, message.id ?? 'null'),
      ended: `{"jsonrpc":"2.0","id":${message.id},"result":{"resultType":"complete",${meta}}}`,
    }
    const updates = honoured && listenUpdates(honoured.subscriber)
    openStream(this.#parts, arrival, message, { caller, words, wanted, updates })
  }

  #send(arrival: Arrival, message: ClientMessage, reply: Reply): void {
    const headers = this.#parts.operations.challengeHeaders(reply.challenge, arrival)
    arrival.send(reply.status, respond(message, reply), headers)
  }

  /** The envelope, then the headers that mirror it (2026-07-28, transports: standard headers). */
  #check({ mirrors }: Arrival, message: ClientMessage): Reply | undefined {
    const { replies } = this.#parts
    const { meta, method, params } = message
    const version = meta[META.version]
    if (typeof version !== 'string') return this.#badMeta(META.version, 'a string')
    // Who contradicts itself is told so, whichever of the two versions is spoken here.
    if (mirrors !== undefined && mirrors['mcp-protocol-version']?.toString().trim() !== version) {
      return replies.mismatch('MCP-Protocol-Version')
    }
    if (version !== MODERN) return replies.version(version, [MODERN])
    if (!isObject(meta[META.capabilities])) return this.#badMeta(META.capabilities, 'an object')
    const info = meta[META.clientInfo]
    if (info !== undefined && (!isObject(info) || typeof info.name !== 'string')) {
      return this.#badMeta(META.clientInfo, 'an object with a name')
    }
    // Which headers a notification carries is not defined.
    if (message.id === undefined || mirrors === undefined) return undefined
    if (mirrors['mcp-method']?.toString().trim() !== method) return replies.mismatch('Mcp-Method')
    const aim = method === undefined ? undefined : AIM[method]
    const aimedAt = aim === undefined ? undefined : params[aim]
    if (typeof aimedAt !== 'string') return undefined
    const name = mirrors['mcp-name']?.toString().trim()
    if (name === undefined || decodeHeaderValue(name) !== aimedAt)
      return replies.mismatch('Mcp-Name')
    return undefined
  }

  #badMeta(key: string, type: string): Reply {
    return this.#parts.replies.error(
      400,
      CODE.invalidParams,
      `Invalid params: \`_meta["${key}"]\` must be ${type}`,
    )
  }
}

/** Whether a message comes from a client that can be asked nothing, and is that one. */
function saysThatOf(
  meta: ClientMessage['meta'],
  { era, name, version, capabilities }: Client,
): boolean {
  for (const _ in meta[META.capabilities] as object) return false
  for (const _ in capabilities) return false
  const said = namesOf((meta[META.clientInfo] ?? NOTHING) as Record<string, unknown>)
  return era === 'modern' && said.name === name && said.version === version
}

/** Equal for equal clients; lengths tell where one part ends and the next begins. */
function clientKey(meta: ClientMessage['meta']): string {
  const info = meta[META.clientInfo]
  const capabilities = meta[META.capabilities] as Record<string, unknown>
  let any = false
  for (const _ in capabilities) any = true
  let who = ''
  if (isObject(info)) {
    const { name, version } = namesOf(info)
    who = `${name.length} ${version.length} ${name} ${version}`
  }
  return any ? `${who} ${JSON.stringify(capabilities)}` : who
}

function clientOf(meta: ClientMessage['meta']): Client {
  const info = (meta[META.clientInfo] ?? {}) as Record<string, unknown>
  return {
    ...namesOf(info),
    protocolVersion: MODERN,
    era: 'modern',
    capabilities: meta[META.capabilities] as Record<string, unknown>,
  }
}

/** What is no text counts as not said. */
function namesOf({ name, version }: Readonly<Record<string, unknown>>) {
  return {
    name: typeof name === 'string' ? name : 'unknown',
    version: typeof version === 'string' ? version : '',
  }
}
