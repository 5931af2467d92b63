import type Router from '@koa/router'
import type { Context } from 'koa'
import type { Principal, Route } from '../../sdk/index.ts'
import { GatewayError, type HookError, messageOf, type Problem } from '../hooks/errors.ts'
import { type HookTable, isPromise } from '../hooks/hooks.ts'

/** What plugins' routes need of the port they are on. */
export interface RouteHost {
  readonly router: Router
  readonly hooks: HookTable
  /** Who sends the request; `undefined` when it was refused and answered. */
  authenticate(ctx: Context): Promise<Principal | undefined>
  /** Answers for a handler that failed. */
  failed(ctx: Context, error: HookError): void
}

/** The gateway's own port, where plugins' routes are registered. */
export interface MainRouteHost extends RouteHost {
  /** Paths that are the gateway's own. */
  readonly reserved: ReadonlySet<string>
}

/** A route and whose it is. */
export interface PluginRoute {
  readonly plugin: string
  readonly route: Route
}

/** The MCP endpoint; profiles are below it. */
export const ENDPOINT = '/mcp'

/** Where clients of HTTP+SSE begin; profiles are below it. */
export const SSE = '/sse'

/** Where MCP clients are served. */
export function endpointPaths(profiles: readonly string[]): string[] {
  return [ENDPOINT, ...profiles.map((name) => `${ENDPOINT}/${name}`)]
}

/** Where clients of HTTP+SSE are served, with the endpoint that each path stands for. */
export function ssePaths(profiles: readonly string[]): Map<string, string> {
  return new Map(
    endpointPaths(profiles).map((path) => [`${SSE}${path.slice(ENDPOINT.length)}`, path]),
  )
}

/** Paths of the gateway's own port that no plugin can have. */
export function reservedPaths(profiles: readonly string[]): ReadonlySet<string> {
  return new Set(['/', '/live', '/ready', ...endpointPaths(profiles), ...ssePaths(profiles).keys()])
}

const ACCESS: readonly unknown[] = ['authenticated', 'public', 'admin'] satisfies Route['access'][]

/** What the admin door serves itself, with everything below. */
const ADMIN_OWN = /^\/(?:(?:status|shadow|explain|upstreams|commands)(?:\/.*)?)?$/

/**
 * Lets every plugin register its routes, and serves those that are not the admin door's.
 * @returns those that are
 * @throws GatewayError with the problems of all plugins
 */
export function addPluginRoutes(host: MainRouteHost): readonly PluginRoute[] {
  const problems: Problem[] = []
  const taken = new Map<string, string>()
  const admin: PluginRoute[] = []
  for (const { plugin, run, skip } of host.hooks.on.routes ?? []) {
    const add = (route: Route) => {
      judge(plugin, route, host.reserved, taken)
      if (route.access === 'admin') admin.push({ plugin, route })
      else serveRoute(host, { plugin, route })
    }
    try {
      const nothing: unknown = run({ add })
      if (!isPromise(nothing)) continue
      nothing.then(undefined, () => {})
      throw new TypeError('returned a promise; routes are registered at once')
    } catch (cause) {
      const error = host.hooks.failed(plugin, 'routes', cause, skip)
      if (skip) continue
      problems.push(routesFailed(plugin, error.message))
    }
  }
  if (problems.length > 0) throw new GatewayError(problems)
  return admin
}

/**
 * What is wrong with the routes of plugins that are set up and not started. A plugin may make routes of what
 * it reads in `start`, so what it throws of its own here tells nothing.
 */
export function routeProblems(hooks: HookTable, profiles: readonly string[]): Problem[] {
  const problems: Problem[] = []
  const taken = new Map<string, string>()
  const reserved = reservedPaths(profiles)
  for (const { plugin, run, skip } of hooks.on.routes ?? []) {
    if (skip) continue
    const add = (route: Route) => {
      try {
        judge(plugin, route, reserved, taken)
      } catch (cause) {
        problems.push(routesFailed(plugin, messageOf(cause)))
        throw cause
      }
    }
    try {
      const nothing: unknown = run({ add })
      if (isPromise(nothing)) nothing.then(undefined, () => {})
    } catch {
      // Told above, or not to be told.
    }
  }
  return problems
}

function routesFailed(plugin: string, reason: string): Problem {
  return {
    code: 'PLUGIN_ROUTES_FAILED',
    where: `plugin ${plugin}`,
    reason,
    hint: 'Mend it, or disable the plugin with `enabled: false`.',
  }
}

/** Serves one route of a plugin. */
export function serveRoute(
  host: RouteHost,
  { plugin, route: { method, path, access, handle } }: PluginRoute,
): void {
  host.router.register(path, [method], async (ctx: Context) => {
    if (access !== 'public') {
      const principal = await host.authenticate(ctx)
      if (principal === undefined) return
      ctx.state.principal = principal
    }
    try {
      await handle(ctx)
    } catch (cause) {
      // What a handler throws for the caller to read (`ctx.throw(404)`) is an answer, no failure.
      if ((cause as { expose?: unknown } | null)?.expose === true) throw cause
      host.failed(ctx, host.hooks.failed(plugin, 'routes', cause, false))
    }
  })
}

/** @throws TypeError for a route that cannot be the plugin's */
function judge(
  plugin: string,
  { method, path, access = 'authenticated' }: Route,
  reserved: ReadonlySet<string>,
  taken: Map<string, string>,
): void {
  // Another word might be a misspelt `admin`: it must not open a door.
  if (!ACCESS.includes(access)) {
    throw new TypeError(`the access of ${method} ${path} is none of ${ACCESS.join(', ')}`)
  }
  const isAdmin = access === 'admin'
  if (isAdmin ? ADMIN_OWN.test(path) : reserved.has(path)) {
    throw new TypeError(`the path ${path} is the gateway's own`)
  }
  const key = `${isAdmin ? 'admin' : 'main'} ${method} ${path}`
  const owner = taken.get(key)
  if (owner !== undefined) throw new TypeError(`${method} ${path} belongs to the plugin ${owner}`)
  taken.set(key, plugin)
}
