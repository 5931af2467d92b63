import { Clock, definePlugin, Http, Info, Log, Secrets } from 'mcp-patchbay/sdk'
import { Finder } from './finder.ts'
import { FixedCredentials } from './fixed-credentials.ts'
import { AUTH_SCHEMA } from './settings.ts'
import type { Source } from './source.ts'
import { TokenSource } from './token-source.ts'
import { UnknownWants } from './unknown-wants.ts'

/** Shows upstreams who the gateway is: the same credentials for all callers. */
export default definePlugin({
  name: 'upstream-auth',
  version: '0.1.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  upstreamSettings: {
    key: 'auth',
    schema: AUTH_SCHEMA,
    notForCommands: 'A process gets its credentials by `env`.',
  },
  needs: { clock: Clock, http: Http, info: Info, log: Log, secrets: Secrets },
  setup(_config, { clock, http, info, log, secrets }, upstreams) {
    const sources = new Map<string, Source>()
    for (const upstream of info.upstreams) {
      const url = info.urlOf(upstream)
      if (url === undefined) continue
      const auth = upstreams.get(upstream) ?? { mode: 'unset' }
      if (auth.mode === 'unset' || auth.mode === 'none') {
        const { mode } = auth
        sources.set(upstream, new UnknownWants({ upstream, url, mode, http, clock, log }))
      } else if (auth.mode === 'client_credentials') {
        const finder = new Finder(auth, url, http, clock)
        sources.set(upstream, new TokenSource({ upstream, finder, clock, log, secrets }))
      } else sources.set(upstream, new FixedCredentials(upstream, auth, secrets))
    }
    return {
      // Whose credentials another plugin has is for that one to say.
      identity({ upstream }) {
        const source = sources.get(upstream)
        return source === undefined || source instanceof UnknownWants ? undefined : ''
      },
      credentials: (query) => sources.get(query.upstream)?.credentials(query),
      refused: (query) => sources.get(query.upstream)?.refused(query),
      observes: ['upstream.state'],
      observe(event) {
        if (event.type !== 'upstream.state' || event.state.state !== 'ready') return
        sources.get(event.upstream)?.ready()
      },
      status() {
        const told = [...sources].flatMap(([upstream, source]) => {
          const status = source.status()
          return status === undefined ? [] : [[upstream, status] as const]
        })
        return Object.fromEntries(told)
      },
      commands: {
        renew: {
          description: 'Gets a new token for an upstream now, whatever has failed before.',
          args: {
            type: 'object',
            additionalProperties: false,
            required: ['upstream'],
            properties: {
              upstream: { type: 'string', description: 'Its id; of mode `client_credentials`.' },
            },
          },
          async run({ upstream }) {
            const source = sources.get(String(upstream))
            if (source instanceof TokenSource) {
              await source.renew()
              return source.status()
            }
            throw new Error(`no upstream ${upstream} has \`auth\` of the mode client_credentials`)
          },
        },
      },
    }
  },
})
