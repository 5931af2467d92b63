import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import Router from '@koa/router'
import Koa, { type Context } from 'koa'
import type { Authenticated, Health, Principal } from '../../sdk/index.ts'
import { GatewayError, messageOf } from '../hooks/errors.ts'
import type { Wheel } from '../hooks/wheel.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Sealer, Shapes } from '../kernel/ports.ts'
import type { Subscriptions } from '../kernel/subscriptions.ts'
import type { Implementation } from '../wire/protocol.ts'
import { type Arrival, HttpAuthRequest } from './arrival.ts'
import { Doors } from './doors.ts'
import { Endpoint, type RefusedRequest, sendError } from './endpoint.ts'
import { failed } from './hook-failure.ts'
import { InFlight } from './in-flight.ts'
import { LegacyWire } from './legacy.ts'
import { LegacyEra } from './legacy-era.ts'
import { LogLevels } from './log-levels.ts'
import type { ClientMessage } from './message.ts'
import { ModernEra } from './modern.ts'
import { OpenCalls } from './open-calls.ts'
import { OpenStreams } from './open-streams.ts'
import { Operations } from './operations.ts'
import { Pages } from './pages.ts'
import { addressOf, closePort, isHangUp, openPort } from './port.ts'
import { Questions } from './questions.ts'
import { Readiness } from './readiness.ts'
import { Replies } from './replies.ts'
import { ResumableStreams } from './resumable-streams.ts'
import {
  addPluginRoutes,
  ENDPOINT,
  endpointPaths,
  type PluginRoute,
  reservedPaths,
} from './routes.ts'
import { SessionSubscriptions } from './session-subscriptions.ts'
import { type SessionStore, Sessions, type SessionsParts } from './sessions.ts'
import type { ListenConfig } from './settings.ts'
import { respond, type WireParts } from './wire.ts'

/** What the client's side is made of. */
export interface InboundParts {
  readonly kernel: Kernel
  readonly listen: ListenConfig
  readonly profiles: readonly string[]
  readonly us: Implementation
  readonly showPlugin: boolean
  /** Entries on a page of a list. */
  readonly pageSize: number
  /** What eras say differently. */
  readonly shapes: Shapes
  readonly wheel: Wheel
  readonly subscriptions: Subscriptions
  readonly sealer: Sealer
  readonly sessions: SessionStore
  /** Between replicas. */
  readonly bus: SessionsParts['bus']
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Makes the ids of requests. */
  readonly nextId: () => string
  /** Told of every request that is not let in. */
  readonly refused: (request: RefusedRequest) => void
  readonly health: () => Promise<Record<string, Health>>
  /** Told when a plugin is no longer well, and when it is again. */
  readonly healthChanged: (plugin: string, health: Health) => void
  /** Told of what made a request fail: a throw in the gateway's own code, or a HookError. */
  readonly fault: (cause: unknown, requestId: string) => void
}

/** The gateway's own port: the MCP endpoint, `/live`, `/ready`, and the plugins' routes. */
export class Inbound {
  /** What lists, calls and refusals have in common on every port. */
  readonly operations: Operations
  readonly #parts: InboundParts
  readonly #server: Server
  readonly #streams: OpenStreams
  readonly #inFlight = new InFlight()
  readonly #endpoint: Endpoint
  readonly #paths: ReadonlySet<string>
  readonly #replies: Replies
  readonly #doors: Doors
  readonly #readiness: Readiness
  #adminRoutes: readonly PluginRoute[] = []

  constructor(parts: InboundParts) {
    this.#parts = parts
    this.#streams = new OpenStreams(parts.listen.streams)
    const { kernel, us, wheel, now, listen, sealer } = parts
    const { shapes } = parts
    const replies = new Replies({
      us,
      showPlugin: parts.showPlugin,
      shapes,
      differ: kernel.answersDiffer,
    })
    this.#replies = replies
    this.#doors = new Doors(listen)
    this.#readiness = new Readiness({ health: parts.health, changed: parts.healthChanged, now })
    const questions = new Questions(wheel, parts.nextId, kernel.holds)
    const sessions = new Sessions({
      sealer,
      store: parts.sessions,
      bus: parts.bus,
      limits: listen.sessions,
      now,
      fault: (cause) => parts.fault(cause, ''),
    })
    const levels = new LogLevels(sessions)
    const pages = new Pages(parts.pageSize, shapes)
    this.operations = new Operations(kernel, replies, questions, levels, pages, parts.subscriptions)
    const shared: WireParts = {
      kernel,
      operations: this.operations,
      replies,
      wheel,
      subscriptions: parts.subscriptions,
      inFlight: this.#inFlight,
      now,
      streams: this.#streams,
      resumables: new ResumableStreams({ wheel, inFlight: this.#inFlight }),
      crashed: (arrival, message, cause) => this.#crashed(replies, arrival, message, cause),
    }
    const subscribed = new SessionSubscriptions(shared, sessions)
    const era = new LegacyEra(shared, questions, levels, subscribed, new OpenCalls(), us)
    sessions.onEnded = (nonce) => era.ended(nonce)
    sessions.onChanged = (session) => subscribed.changed(session)
    this.#endpoint = new Endpoint({
      ...shared,
      doors: this.#doors,
      modern: new ModernEra(shared),
      legacy: new LegacyWire(shared, sessions, era),
      bodyLimit: listen.bodyLimit,
      fault: parts.fault,
      refused: parts.refused,
      url: () => this.url,
    })
    this.#paths = new Set(endpointPaths(parts.profiles))
    const handler = this.#app().callback()
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
    return this.#inFlight.draining
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
    this.#inFlight.drain()
    await this.#streams.end()
    await this.#inFlight.idle()
  }

  /** How many calls are being answered. */
  get inFlight(): number {
    return this.#inFlight.count
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
    app.use((ctx, next) => {
      // Whoever keeps the connection would find it closed at the next request.
      if (this.#inFlight.draining) ctx.res.shouldKeepAlive = false
      const { url = '/' } = ctx.req
      const query = url.indexOf('?')
      const path = query < 0 ? url : url.slice(0, query)
      if (!this.#paths.has(path)) return next()
      ctx.respond = false
      return this.#endpoint.serve(
        ctx.req,
        ctx.res,
        path,
        this.#requestId(ctx.req.headers['x-request-id']),
      ) as never
    })
    app.use(router.routes())
    return app
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
      const { draining } = this.#inFlight
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
        const requestId = this.#requestId(ctx.get('x-request-id'))
        if (ctx.res.headersSent) ctx.res.destroy()
        else sendError(ctx.res, this.#replies.door(failed(error), requestId), [])
        ctx.respond = false
      },
    })
    return router
  }

  async #authenticate(ctx: Context): Promise<Principal | undefined> {
    const auth = new HttpAuthRequest(ctx.req, ctx.path, this.#requestId(ctx.get('x-request-id')))
    const who = await new Promise<Authenticated | undefined>((resolve) => {
      ctx.res.once('close', () => resolve(undefined))
      this.#endpoint.admit(auth, ctx.res, resolve)
    })
    // Answered, or nobody is left to answer.
    if (who === undefined) ctx.respond = false
    return who?.principal
  }

  #requestId(given: string | string[] | undefined): string {
    return typeof given === 'string' && /^[\w.:/+=@-]{1,128}$/.test(given)
      ? given
      : this.#parts.nextId()
  }

  #crashed(
    replies: Replies,
    arrival: Arrival,
    message: Pick<ClientMessage, 'id'>,
    cause: unknown,
  ): void {
    const { requestId } = arrival
    this.#parts.fault(cause, requestId)
    const context = { era: 'modern', requestId, status: false } as const
    arrival.break(respond(message, replies.refusal(failed(cause), context)))
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
