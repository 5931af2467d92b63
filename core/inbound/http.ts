import { readFileSync } from 'node:fs'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import Router from '@koa/router'
import Koa, { type Context } from 'koa'
import type { Authenticated, Health, Principal } from '../../sdk/index.ts'
import { GatewayError, messageOf } from '../hooks/errors.ts'
import { HttpAuthRequest } from './arrival.ts'
import { Doors } from './doors.ts'
import { Endpoint } from './endpoint.ts'
import { Eras, type ErasParts } from './eras.ts'
import { Gate, sendError } from './gate.ts'
import { failed } from './hook-failure.ts'
import { SseIds } from './http-sse/sse-ids.ts'
import { SseWire } from './http-sse/sse-wire.ts'
import { LegacyWire } from './legacy.ts'
import type { Operations } from './operations.ts'
import { addressOf, closePort, isHangUp, openPort } from './port.ts'
import { Readiness } from './readiness.ts'
import {
  addPluginRoutes,
  ENDPOINT,
  endpointPaths,
  type PluginRoute,
  reservedPaths,
  ssePaths,
} from './routes.ts'
import type { ListenConfig } from './settings.ts'

/** What the gateway's port is made of. */
export interface InboundParts extends ErasParts {
  readonly profiles: readonly string[]
  readonly health: () => Promise<Record<string, Health>>
  /** Told when a plugin is no longer well, and when it is again. */
  readonly healthChanged: (plugin: string, health: Health) => void
}

/** The gateway's own port: the MCP endpoint, `/live`, `/ready`, and the plugins' routes. */
export class Inbound {
  /** What lists, calls and refusals have in common on every port. */
  readonly operations: Operations
  readonly #parts: InboundParts
  readonly #server: Server
  readonly #eras: Eras
  readonly #gate: Gate
  readonly #endpoint: Endpoint
  readonly #sse: SseWire
  readonly #paths: ReadonlySet<string>
  readonly #ssePaths: ReadonlyMap<string, string>
  readonly #doors: Doors
  readonly #readiness: Readiness
  #adminRoutes: readonly PluginRoute[] = []

  constructor(parts: InboundParts) {
    this.#parts = parts
    const { listen, profiles, sealer, bus, fault, now } = parts
    this.#eras = new Eras(parts)
    const { shared, modern, legacy, sessions, pipes, relay } = this.#eras
    const { operations, replies } = shared
    this.operations = operations
    this.#doors = new Doors(listen)
    this.#readiness = new Readiness({ health: parts.health, changed: parts.healthChanged, now })
    const gate = new Gate({ ...parts, operations, replies, doors: this.#doors })
    this.#gate = gate
    const common = { ...shared, gate, bodyLimit: listen.bodyLimit }
    this.#endpoint = new Endpoint({
      ...common,
      modern,
      legacy: new LegacyWire(shared, sessions, legacy, relay),
      url: () => this.url,
    })
    // 2026-07-28 is not spoken there: a client that asks hears what one of the handshake's servers says.
    const { modern: _, ...handshake } = pipes
    const ids = new SseIds(sealer, bus.replica)
    this.#sse = new SseWire({ ...common, pipes: handshake, ids, sealer, bus, fault })
    this.#paths = new Set(endpointPaths(profiles))
    this.#ssePaths = ssePaths(profiles)
    const app = this.#app().callback()
    const handler: RequestListener = (request, response) => {
      if (!this.#serve(request, response)) app(request, response)
    }
    this.#server = listen.tls === undefined ? createServer(handler) : tlsServer(listen.tls, handler)
    // Longer than clients and load balancers keep idle connections: they close first, nothing is cut.
    this.#server.keepAliveTimeout = 75_000
  }

  /** The endpoint as clients reach it. Valid while listening. */
  get url(): string {
    const { publicUrl, host, tls } = this.#parts.listen
    // A proxy may serve the gateway below a path of its own.
    if (publicUrl !== undefined) return new URL(publicUrl).href.replace(/\/*$/, ENDPOINT)
    return `${tls === undefined ? 'http' : 'https'}://${addressOf(this.#server, host)}${ENDPOINT}`
  }

  /** What plugins want served by the admin door: not served here. */
  get adminRoutes(): readonly PluginRoute[] {
    return this.#adminRoutes
  }

  /** Whether the gateway is about to stop. */
  get draining(): boolean {
    return this.#eras.shared.inFlight.draining
  }

  /** Starts to listen. @throws GatewayError when the port cannot be had */
  listen(): Promise<void> {
    return openPort(this.#server, this.#parts.listen, 'listen')
  }

  /**
   * From now on `/ready` says no and open streams end with their final result. Resolves when the last
   * call in flight was answered.
   */
  async drain(): Promise<void> {
    await this.#eras.drain()
    // Only then: answers of theirs go out on these.
    await this.#sse.end()
  }

  /** How many calls are being answered. */
  get inFlight(): number {
    return this.#eras.shared.inFlight.count
  }

  /** Cuts what is still open. */
  close(): Promise<void> {
    return closePort(this.#server)
  }

  #app(): Koa {
    const app = new Koa()
    const router = this.#router()
    app.silent = true
    app.on('error', (cause: { code?: string; expose?: boolean }) => {
      // Neither a client that hangs up nor an answer of a route's is a fault of ours.
      if (!isHangUp(cause) && cause.expose !== true) this.#parts.fault(cause, '')
    })
    app.use(router.routes())
    return app
  }

  /**
   * Serves what comes to an endpoint of MCP, before the app makes anything of it: what that costs each call
   * pays for pages and plugins' routes alone.
   * @returns whether it was for one
   */
  #serve(request: IncomingMessage, response: ServerResponse): boolean {
    // Whoever keeps the connection would find it closed at the next request.
    if (this.#eras.shared.inFlight.draining) response.shouldKeepAlive = false
    const { url = '/' } = request
    const query = url.indexOf('?')
    const path = query < 0 ? url : url.slice(0, query)
    const endpoint = this.#paths.has(path) ? path : this.#ssePaths.get(path)
    if (endpoint === undefined) return false
    const requestId = this.#requestId(request)
    try {
      if (endpoint === path) this.#endpoint.serve(request, response, path, requestId)
      else this.#sse.serve(request, response, endpoint, requestId)
    } catch (cause) {
      this.#crashed(response, requestId, cause)
    }
    return true
  }

  /** A throw in the gateway's own code, before anybody could be answered in-band. */
  #crashed(response: ServerResponse, requestId: string, cause: unknown): void {
    this.#parts.fault(cause, requestId)
    if (response.headersSent) response.destroy()
    else sendError(response, this.#eras.shared.replies.door(failed(cause), requestId), [])
  }

  #router(): Router {
    const router = new Router()
    router.get('/', (ctx) => {
      ctx.respond = false
      this.#endpoint.page(ctx.res)
    })
    router.get('/live', (ctx) => {
      ctx.body = { live: true }
    })
    router.get('/ready', async (ctx) => {
      const refused = this.#doors.refuseName(ctx.req.headers)
      if (refused !== undefined) ctx.throw(403, refused)
      const plugins = await this.#readiness.plugins()
      const { draining } = this.#eras.shared.inFlight
      const ready = !draining && Object.values(plugins).every(Boolean)
      ctx.status = ready ? 200 : 503
      ctx.body = { ready, ...(draining ? { draining: true } : {}), plugins }
    })
    this.#adminRoutes = addPluginRoutes({
      router,
      hooks: this.#parts.kernel.hooks,
      reserved: reservedPaths(this.#parts.profiles),
      authenticate: (ctx) => this.#authenticate(ctx),
      failed: (ctx, error) => {
        const requestId = this.#requestId(ctx.req)
        if (ctx.res.headersSent) ctx.res.destroy()
        else sendError(ctx.res, this.#eras.shared.replies.door(failed(error), requestId), [])
        ctx.respond = false
      },
    })
    return router
  }

  async #authenticate(ctx: Context): Promise<Principal | undefined> {
    const auth = new HttpAuthRequest(ctx.req, ctx.path, this.#requestId(ctx.req))
    const who = await new Promise<Authenticated | undefined>((resolve) => {
      ctx.res.once('close', () => resolve(undefined))
      this.#gate.admit(auth, ctx.res, resolve)
    })
    // Answered, or nobody is left to answer.
    if (who === undefined) ctx.respond = false
    return who?.principal
  }

  #requestId({ headers: { 'x-request-id': given } }: IncomingMessage): string {
    return typeof given === 'string' && /^[\w.:/+=@-]{1,128}$/.test(given)
      ? given
      : this.#parts.nextId()
  }
}

function tlsServer(
  { cert, key }: NonNullable<ListenConfig['tls']>,
  handler: RequestListener,
): Server {
  try {
    return createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) }, handler)
  } catch (error) {
    throw new GatewayError([
      {
        code: 'TLS_FILE',
        where: `${cert}, ${key}`,
        path: 'listen.tls',
        reason: messageOf(error),
        hint: 'Set both to PEM files this process may read: a certificate chain and its own key.',
      },
    ])
  }
}
