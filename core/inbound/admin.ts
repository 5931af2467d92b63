import { createServer, type Server } from 'node:http'
import Router from '@koa/router'
import Koa, { type Context, type Next } from 'koa'
import type { Maybe, Principal } from '../../sdk/index.ts'
import type { HookError } from '../hooks/errors.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { isObject } from '../wire/json.ts'
import { AdminGate, ANYBODY } from './admin-gate.ts'
import { HttpAuthRequest } from './arrival.ts'
import { readBody } from './body.ts'
import { Doors } from './doors.ts'
import type { RefusedRequest } from './gate.ts'
import type { Operations } from './operations.ts'
import { addressOf, closePort, isHangUp, openPort } from './port.ts'
import { AdminProblem, sendProblem } from './problem.ts'
import { type PluginRoute, serveRoute } from './routes.ts'
import type { AdminConfig } from './settings.ts'

/** Bytes. */
const BODY_LIMIT = 1_048_576

/** What the admin door does for whoever may use it. Refusals are thrown as `AdminProblem`. */
export interface AdminWork {
  /** The page of `/status`. */
  status(): Maybe<object>
  /** Reads an upstream's list again, soon. @returns its state; `undefined` = no such upstream */
  refresh(upstream: string): Maybe<object | undefined>
  /** Connects an upstream anew. @returns its state then; `undefined` = no such upstream */
  reconnect(upstream: string): Maybe<object | undefined>
  /** What a caller may do with an entry, and why. */
  explain(question: Readonly<Record<string, unknown>>): Maybe<object>
  /** What plugins in shadow would have done, all of them or one. */
  shadow(plugin: string | undefined): Maybe<object>
  /** Runs a plugin's command. */
  command(
    plugin: string,
    name: string,
    args: Readonly<Record<string, unknown>>,
    principal: Principal,
  ): Maybe<object | string>
}

/** What the admin door is made of. */
export interface AdminParts {
  readonly kernel: Kernel
  readonly operations: Operations
  readonly config: AdminConfig
  /** The local operator's token. */
  readonly token: string
  readonly work: AdminWork
  /** What plugins want served here. */
  readonly routes: readonly PluginRoute[]
  /** Makes the ids of requests. */
  readonly nextId: () => string
  /** Told of a throw in the gateway's own code. */
  readonly fault: (cause: unknown, requestId: string) => void
  /** Told of every request that is not let in. */
  readonly refused: (request: RefusedRequest) => void
}

/** The operators' port: status, upstreams, commands, and the plugins' admin routes. Nobody else gets in. */
export class Admin {
  readonly #parts: AdminParts
  readonly #doors: Doors
  readonly #gate: AdminGate
  readonly #server: Server

  constructor(parts: AdminParts) {
    this.#parts = parts
    this.#doors = new Doors(parts.config, 'admin')
    this.#gate = new AdminGate(parts.kernel, parts.operations, parts.token)
    this.#server = createServer(this.#app().callback())
  }

  /** Where it is. Valid while listening. */
  get url(): string {
    return `http://${addressOf(this.#server, this.#parts.config.host)}`
  }

  /** Starts to listen. @throws GatewayError when the port cannot be had */
  listen(): Promise<void> {
    return openPort(this.#server, this.#parts.config, 'admin')
  }

  /** Cuts what is still open. */
  close(): Promise<void> {
    return closePort(this.#server)
  }

  #app(): Koa {
    const app = new Koa()
    const router = this.#router()
    app.silent = true
    app.on('error', (cause: { expose?: boolean }) => {
      if (!isHangUp(cause) && cause.expose !== true) this.#parts.fault(cause, '')
    })
    app.use((ctx, next) => this.#answer(ctx, next))
    app.use((ctx, next) => this.#admit(ctx, next))
    app.use(router.routes())
    app.use((ctx) => {
      const detail = `${ctx.method} ${ctx.path} is not served here. Try GET /status.`
      throw new AdminProblem({ status: 404, code: 'NOT_FOUND', detail })
    })
    return app
  }

  /** Whatever is thrown below becomes a problem. */
  async #answer(ctx: Context, next: Next): Promise<void> {
    const given = ctx.get('x-request-id')
    const requestId = /^[\w.:/+=@-]{1,128}$/.test(given) ? given : this.#parts.nextId()
    ctx.state.requestId = requestId
    try {
      await next()
    } catch (cause) {
      if (ctx.headerSent) throw cause
      sendProblem(ctx, this.#problem(cause, requestId), requestId)
    }
  }

  #problem(cause: unknown, requestId: string): AdminProblem {
    if (cause instanceof AdminProblem) return cause
    const { expose, status, message } = (cause ?? {}) as {
      expose?: unknown
      status?: unknown
      message?: unknown
    }
    // What a route's handler throws for the caller to read.
    if (expose === true && typeof status === 'number') {
      return new AdminProblem({ status, code: 'REFUSED', detail: String(message) })
    }
    this.#parts.fault(cause, requestId)
    const detail = 'the gateway failed. The log tells more under the request id.'
    return new AdminProblem({ status: 500, code: 'INTERNAL', detail })
  }

  /** Host and origin, then who it is: before anything is looked at, paths that nobody serves included. */
  async #admit(ctx: Context, next: Next): Promise<void> {
    const auth = new HttpAuthRequest(ctx.req, ctx.path, ctx.state.requestId)
    const refused = this.#doors.refuse(ctx.headers)
    if (refused !== undefined) {
      throw this.#refuse(
        auth,
        new AdminProblem({ status: 403, code: 'FORBIDDEN', detail: `${refused}.` }),
      )
    }
    const { origin } = ctx.headers
    setFlat(ctx, this.#doors.cors(origin))
    if (ctx.method === 'OPTIONS' && origin !== undefined) {
      setFlat(ctx, this.#doors.preflight(ctx.headers))
      ctx.status = 204
      return
    }
    const { open } = this.#parts.config
    if (open.includes(ctx.path) && (ctx.method === 'GET' || ctx.method === 'HEAD')) {
      ctx.state.principal = ANYBODY
      return next()
    }
    try {
      ctx.state.principal = await this.#gate.admit(auth)
    } catch (cause) {
      throw cause instanceof AdminProblem ? this.#refuse(auth, cause) : cause
    }
    await next()
  }

  #refuse(
    { requestId, path, remoteAddress }: HttpAuthRequest,
    problem: AdminProblem,
  ): AdminProblem {
    const { code, message: reason } = problem
    this.#parts.refused({ requestId, code, reason, path, remoteAddress })
    return problem
  }

  #router(): Router {
    const { work, kernel, routes } = this.#parts
    const router = new Router()
    router.get('/status', async (ctx) => {
      ctx.body = await work.status()
    })
    router.post('/upstreams/:id/refresh', async (ctx) => {
      ctx.body = found(await work.refresh(idOf(ctx)), idOf(ctx))
      ctx.status = 202
    })
    router.post('/upstreams/:id/reconnect', async (ctx) => {
      ctx.body = found(await work.reconnect(idOf(ctx)), idOf(ctx))
    })
    router.post('/explain', async (ctx) => {
      ctx.body = await work.explain(await readObject(ctx))
    })
    router.get('/shadow', async (ctx) => {
      const { plugin } = ctx.query
      ctx.body = await work.shadow(typeof plugin === 'string' ? plugin : undefined)
    })
    router.post('/commands/:plugin/:command', async (ctx) => {
      const { plugin = '', command = '' } = ctx.params
      const args = await readObject(ctx)
      ctx.body = { result: await work.command(plugin, command, args, ctx.state.principal) }
    })
    for (const one of routes) {
      const host = {
        router,
        hooks: kernel.hooks,
        authenticate: (ctx: Context) => Promise.resolve(ctx.state.principal as Principal),
        failed: (_: Context, error: HookError) => {
          const detail = `${error.message}. The log tells more under the request id.`
          throw new AdminProblem({ status: 500, code: 'PLUGIN_FAILED', detail })
        },
      }
      serveRoute(host, one)
    }
    return router
  }
}

function idOf({ params }: { params: Record<string, string | undefined> }): string {
  return params.id ?? ''
}

function setFlat(ctx: Context, headers: readonly string[]): void {
  for (let i = 0; i < headers.length; i += 2)
    ctx.set(headers[i] as string, headers[i + 1] as string)
}

/** @throws AdminProblem when there is none */
function found(state: object | undefined, id: string): object {
  if (state !== undefined) return state
  const detail = `there is no upstream ${id}. GET /status names those there are.`
  throw new AdminProblem({ status: 404, code: 'NOT_FOUND', detail })
}

/** The body as a JSON object; `{}` when there is no body. @throws AdminProblem for anything else */
async function readObject({ req }: Context): Promise<Record<string, unknown>> {
  const { 'content-length': length = '0', 'transfer-encoding': chunked } = req.headers
  if (length === '0' && chunked === undefined) return {}
  const text = await new Promise<string>((resolve, reject) => {
    req.once('close', () => reject(refusal(400, 'the body ended early')))
    readBody(req, BODY_LIMIT, (body, problem) => {
      if (body !== undefined) resolve(body)
      else reject(refusal(problem?.status ?? 400, problem?.reason ?? 'the body cannot be read'))
    })
  })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw refusal(400, 'the body is not JSON')
  }
  if (!isObject(value)) throw refusal(400, 'the body is not a JSON object')
  return value
}

function refusal(status: number, reason: string): AdminProblem {
  const detail = `${reason}. Send one JSON object, or no body.`
  return new AdminProblem({ status, code: 'INVALID', detail })
}
