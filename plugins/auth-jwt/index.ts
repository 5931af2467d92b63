import {
  type Challenge,
  Clock,
  definePlugin,
  Http,
  Info,
  InvalidSettings,
  Log,
} from 'mcp-patchbay/sdk'
import { jwtOf } from './bearer.ts'
import { Issuer } from './issuer.ts'
import { Resources } from './resources.ts'
import { CONFIG_SCHEMA } from './settings.ts'
import { Verifier } from './verifier.ts'

/** Callers are known by access tokens that an authorization server has signed. */
export default definePlugin({
  name: 'auth-jwt',
  version: '0.1.0',
  configSchema: CONFIG_SCHEMA,
  needs: { clock: Clock, http: Http, info: Info, log: Log },
  setup(settings, { clock, http, info, log }) {
    const end = new AbortController()
    const issuers = new Map<string, Issuer>()
    settings.issuers.forEach((own, i) => {
      if (issuers.has(own.issuer)) {
        const hint = 'Write each issuer once.'
        throw new InvalidSettings(`issuers[${i}].issuer`, 'stands further up already', hint)
      }
      const parts = { clock, http, log, signal: end.signal }
      issuers.set(own.issuer, new Issuer(own, settings, `issuers[${i}]`, parts))
    })
    if (info.url === undefined) {
      throw new InvalidSettings(
        'issuers',
        'need to know where clients reach the gateway, because tokens are issued for that address',
        'Set `listen.publicUrl` to the address that clients use.',
      )
    }
    const resources = new Resources(info.url, info)
    const verifier = new Verifier(issuers, settings, resources, clock)
    const { scopesSupported } = settings
    return {
      authenticate({ headers: { authorization }, path }) {
        const token = jwtOf(authorization)
        return token === undefined ? undefined : verifier.judge(token, path)
      },
      challenge({ headers, path }, { code, message, scopes = [] }): Challenge | undefined {
        const at = { resource_metadata: resources.at(path).metadataUrl }
        if (code === 'INSUFFICIENT_SCOPE') {
          const params = { error: 'insufficient_scope', scope: scopes.join(' '), ...at }
          return { scheme: 'Bearer', params: { ...params, error_description: message } }
        }
        if (code !== 'UNAUTHENTICATED') return undefined
        const scope = scopesSupported.length === 0 ? {} : { scope: scopesSupported.join(' ') }
        // Who sent no token has made no mistake (RFC 6750, 3.1).
        const error =
          jwtOf(headers.authorization) === undefined
            ? {}
            : { error: 'invalid_token', error_description: message }
        return { scheme: 'Bearer', params: { ...error, ...scope, ...at } }
      },
      routes(routes) {
        for (const resource of resources.all) {
          const document = Resources.document(resource, [...issuers.keys()], scopesSupported)
          for (const path of resource.metadataPaths) {
            routes.add({
              method: 'GET',
              path,
              access: 'public',
              handle(ctx) {
                // Pages that are MCP clients read it too, and it is nobody's secret.
                ctx.set('Access-Control-Allow-Origin', '*')
                ctx.body = document
              },
            })
          }
        }
      },
      start() {
        // Nobody waits for it: a gateway must come up while its authorization server is down.
        for (const { keys } of issuers.values()) void keys.refresh()
      },
      stop: () => end.abort(),
      status: () => ({
        issuers: [...issuers.values()].map((issuer) => issuer.status()),
        tokens: verifier.remembered,
      }),
    }
  },
})
