import {
  type Caller,
  definePlugin,
  deny,
  Info,
  InvalidSettings,
  Log,
  type Refusal,
} from 'mcp-patchbay/sdk'
import { Grants } from './grants.ts'
import { denying } from './pattern.ts'
import { Profiles } from './profiles.ts'
import { configSchema } from './settings.ts'
import { spellings } from './spellings.ts'
import { Unmatched } from './unmatched.ts'

const NOT_PERMITTED: Refusal = { rule: 'no permission', reason: 'no line permits it to anybody' }

/** Who may list and use what: by scopes, denials and profiles. */
export default definePlugin({
  name: 'permissions',
  version: '0.1.0',
  phase: 'guard',
  shadow: true,
  configSchema,
  needs: { info: Info, log: Log },
  setup(config, { info, log }) {
    if (!(config.permissions ?? config.upstreams ?? config.anyone)) {
      const hint = 'Write `permissions: { "*": [admin] }`, for example.'
      throw new InvalidSettings(
        'permissions',
        'is missing: nobody would be permitted anything',
        hint,
      )
    }
    const grants = new Grants(config, info.upstreams)
    const profiles = new Profiles(config, { upstreams: info.upstreams, served: info.profiles })
    const denials = config.deny.map((glob, index) => denying(glob, `deny[${index}]`))
    const patterns = [
      ...grants.patterns,
      ...denials,
      ...profiles.all.flatMap((one) => one.patterns),
    ]
    const unmatched = new Unmatched(patterns, log)
    const judgeOf = (caller: Caller) => ({
      held: grants.held(caller.principal.scopes),
      choices: profiles.of(caller),
    })

    return {
      listFilter(caller) {
        const { held, choices } = judgeOf(caller)
        const named = choices.map((choice) => choice.map(({ name }) => name))
        return {
          key: JSON.stringify([held, named]),
          test(entry, target) {
            const denial = denials.find((one) => one.covers(entry, target))
            if (denial !== undefined) {
              return { rule: `deny ${denial.glob}`, reason: 'it is denied to everybody' }
            }
            for (const choice of choices) {
              if (!choice.some((profile) => profile.holds(entry, target))) return outside(choice)
            }
            if (grants.permits(held, entry, target)) return true
            const scopes = grants.needed(entry, target)
            if (scopes === undefined) return NOT_PERMITTED
            const refusal = { rule: `needs ${scopes.join(' ')}`, reason: 'scopes are missing' }
            return config.stepUp ? { ...refusal, scopes } : refusal
          },
        }
      },
      // What a template reads is named by the call alone: the filter has seen the template.
      beforeCall({ entry, target, args, caller }) {
        if (entry.kind !== 'template' || typeof args.uri !== 'string') return undefined
        const { uri } = args
        const own = target && uri.startsWith(`patchbay+${target.upstream}:`)
        const written = spellings(own ? uri.slice(uri.indexOf(':') + 1) : uri)
        const denial = denials.find((one) => written.some(one.reads))
        const closed = profiles
          .of(caller)
          .find((choice) => !choice.some((profile) => !profile.denies(written)))
        if (denial === undefined && closed === undefined) return undefined
        const rule = denial === undefined ? outside(closed ?? []).rule : `deny ${denial.glob}`
        const hint = 'List the resources again and use one of their names.'
        return deny('NOT_FOUND', `Resource not found: ${uri}`, { hint, rule })
      },
      observes: ['catalog.changed'],
      observe(event) {
        if (event.type === 'catalog.changed' && event.complete) unmatched.look(event.entries)
      },
      status: () => ({
        lines: grants.size,
        denials: denials.length,
        profiles: profiles.all.map(({ name }) => name),
        unmatched: unmatched.found ?? 'not every upstream has been listed yet',
      }),
    }
  },
})

function outside(choice: readonly { readonly name: string }[]): Refusal {
  const names = choice.map(({ name }) => name).join(', ')
  return names === ''
    ? { rule: 'profile unknown', reason: 'the profile is not known' }
    : { rule: `profile ${names}`, reason: 'it is not in the profile' }
}
