// What `setup` receives is inferred from the schema. Lines under @ts-expect-error must not compile.
import { definePlugin, type Infer } from 'mcp-patchbay/sdk'

/** Compiles only when both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(verdict: Same<A, B>): boolean => verdict

/** Settings of every kind. */
export const settings = definePlugin({
  name: 'settings',
  version: '1.0.0',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    required: ['id'],
    properties: {
      id: { type: 'string', description: '' },
      limit: { type: 'integer', default: 10, description: '' },
      maybe: { type: 'integer', description: '' },
      per: { enum: ['principal', 'tool'], default: 'tool', description: '' },
      window: { type: 'string', format: 'duration', default: '1m', description: '' },
      body: { type: 'string', format: 'size', description: '' },
      names: { type: 'array', items: { type: 'string' }, default: [], description: '' },
      nothing: { type: ['string', 'null'], default: null, description: '' },
      labels: {
        type: 'object',
        additionalProperties: { type: 'string' },
        default: {},
        description: '',
      },
      rules: {
        type: 'array',
        default: [],
        description: '',
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['tool'],
          properties: {
            tool: { type: 'string', description: '' },
            deny: { type: 'boolean', default: true, description: '' },
            note: { type: 'string', description: '' },
          },
        },
      },
      open: { anyOf: [{ type: 'boolean' }, { const: 'later' }], default: false, description: '' },
    },
  },
  setup(config) {
    same<typeof config.id, string>(true)
    same<typeof config.limit, number>(true)
    same<typeof config.maybe, number | undefined>(true)
    same<typeof config.per, 'principal' | 'tool'>(true)
    same<typeof config.window, number>(true)
    same<typeof config.body, number | undefined>(true)
    same<typeof config.names, readonly string[]>(true)
    same<typeof config.nothing, string | null>(true)
    same<typeof config.labels, Readonly<Record<string, string>>>(true)
    same<typeof config.open, boolean | 'later'>(true)
    const [rule] = config.rules
    if (rule !== undefined) {
      same<typeof rule.tool, string>(true)
      same<typeof rule.deny, boolean>(true)
      same<typeof rule.note, string | undefined>(true)
    }

    // @ts-expect-error no such setting
    config.limits
    // @ts-expect-error settings are read-only
    config.limit = 1
    // @ts-expect-error so are their lists
    config.names.push('x')
    // @ts-expect-error may be missing
    config.maybe.toFixed()
    // @ts-expect-error a duration is a number
    config.window.length
    // @ts-expect-error not one of the values
    config.per === 'upstream'
    return {}
  },
})

same<Infer<{ readonly type: 'boolean' }>, boolean>(true)
// @ts-expect-error the check itself notices a difference
same<Infer<{ readonly type: 'boolean' }>, string>(true)
