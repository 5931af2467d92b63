import type { CallRequest } from '../../core/kernel/ports.ts'
import { findMember, readMembers } from '../../core/wire/json.ts'
import type { AuthRequest, Caller, Client, Principal } from '../index.ts'
import { deepFreeze } from './freeze.ts'

/** Parts of a caller; the rest is filled in. Equal parts are one and the same caller. */
export interface CallerParts {
  readonly principal?: Partial<Principal>
  readonly client?: Partial<Client>
  readonly path?: string
}

const PRINCIPAL: Principal = { issuer: 'test', subject: 'anna', claims: {}, scopes: [] }
const CLIENT: Client = {
  name: 'test-client',
  version: '1.0.0',
  protocolVersion: '2026-07-28',
  era: 'modern',
  capabilities: {},
}

/** The callers of one test gateway. */
export class TestCallers {
  readonly #defaults: CallerParts
  readonly #principals = new Map<string, Principal>()

  constructor(defaults: CallerParts) {
    this.#defaults = defaults
  }

  /** The parts of a caller, complete and frozen. A whole principal is taken as the object it is. */
  complete(parts: CallerParts = {}): Caller {
    return {
      principal: this.#principal(parts.principal ?? this.#defaults.principal ?? {}),
      client: deepFreeze(structuredClone({ ...CLIENT, ...this.#defaults.client, ...parts.client })),
      path: parts.path ?? this.#defaults.path ?? '/mcp',
    }
  }

  #principal(parts: Partial<Principal>): Principal {
    if (isWhole(parts)) return deepFreeze(parts)
    const whole = { ...PRINCIPAL, ...parts }
    const key = JSON.stringify([whole.issuer, whole.subject, whole.claims, whole.scopes])
    let principal = this.#principals.get(key)
    if (principal === undefined) {
      principal = deepFreeze(structuredClone(whole))
      this.#principals.set(key, principal)
    }
    return principal
  }
}

function isWhole(parts: Partial<Principal>): parts is Principal {
  return ['issuer', 'subject', 'claims', 'scopes'].every((name) => name in parts)
}

/** A request that is aimed at an entry, as a wire hands it to the kernel: a body, and where its parts are. */
export function callRequest(
  id: string,
  name: string,
  args: Readonly<Record<string, unknown>>,
  meta: Readonly<Record<string, unknown>>,
  retry: Pick<CallRequest, 'state' | 'responses'> = {},
  method: CallRequest['method'] = 'tools/call',
): CallRequest {
  const reads = method === 'resources/read'
  const said = reads ? { uri: name } : { name, arguments: args }
  const answers = retry.responses === undefined ? {} : { inputResponses: retry.responses }
  const whole = { ...said, ...answers, _meta: meta }
  const text = JSON.stringify({ jsonrpc: '2.0', id, method, params: whole })
  const body = readMembers(text)
  const members = readMembers(text, body[findMember(text, body, 'params') + 2])
  const argsAt = findMember(text, members, 'arguments')
  // Read back from the text: what JSON cannot say does not arrive.
  const params = deepFreeze(JSON.parse(text).params)
  return {
    method,
    name,
    args: reads ? deepFreeze({ uri: name }) : params.arguments,
    text,
    params: members,
    argsAt: argsAt < 0 ? -1 : (members[argsAt + 2] as number),
    meta: params._meta,
    ...retry,
  }
}

/** Headers of a request; names in any case. */
export type HeaderParts = Readonly<Record<string, string>>

/** An HTTP request as auth plugins see it. */
export function authRequest(
  headers: HeaderParts,
  parts: Partial<Omit<AuthRequest, 'headers'>>,
  requestId: string,
): AuthRequest {
  const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])
  return {
    method: 'POST',
    path: '/mcp',
    remoteAddress: '127.0.0.1',
    requestId,
    ...parts,
    headers: Object.fromEntries(named),
  }
}
