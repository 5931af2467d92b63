import type Router from '@koa/router'
import type { Context } from 'koa'
import type { Principal, Route } from '../../sdk/index.ts'
import { GatewayError, type HookError, type Problem } from '../kernel/errors.ts'
import { type HookTable, isPromise } from '../kernel/hooks.ts'

/** What plugins' routes need of the port they are on. */
export interface RouteHost {
  readonly router: Router
  readonly hooks: HookTable
  /** Paths that are the gateway's own. */
  readonly reserved: ReadonlySet<string>
  /** Who sends the request; `undefined` when it was refused and answered. */
  authenticate(ctx: Context): Promise<Principal | undefined>
  /** Answers for a handler that failed. */
  failed(ctx: Context, error: HookError): void
}

/**
 * Lets every plugin register its routes.
 * @throws GatewayError with the problems of all plugins
 */
export function addPluginRoutes(host: RouteHost): void {
  const problems: Problem[] = []
  const taken = new Map<string, string>()
  for (const { plugin, run, skip } of host.hooks.on.routes ?? []) {
    const add = (route: Route) => addRoute(host, plugin, route, taken)
    try {
      const nothing: unknown = run({ add })
      if (!isPromise(nothing)) continue
      nothing.then(undefined, () => {})
      throw new TypeError('returned a promise; routes are registered at once')
    } catch (cause) {
      const error = host.hooks.failed(plugin, 'routes', cause, skip)
      if (skip) continue
      problems.push({
        code: 'PLUGIN_ROUTES_FAILED',
        where: `plugin ${plugin}`,
        reason: error.message,
        hint: 'Mend it, or disable the plugin with `enabled: false`.',
      })
    }
  }
  if (problems.length > 0) throw new GatewayError(problems)
}

function addRoute(
  host: RouteHost,
  plugin: string,
  { method, path, access = 'authenticated', handle }: Route,
  taken: Map<string, string>,
): void {
  if (host.reserved.has(path)) throw new TypeError(`the path ${path} is the gateway's own`)
  const owner = taken.get(`${method} ${path}`)
  if (owner !== undefined) throw new TypeError(`${method} ${path} belongs to the plugin ${owner}`)
  taken.set(`${method} ${path}`, plugin)
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
