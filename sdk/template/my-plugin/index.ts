import { definePlugin, deny } from 'mcp-patchbay/sdk'

/** Refuses calls whose arguments are longer than the operator wants. */
export default definePlugin({
  name: 'my-plugin',
  version: '0.1.0',
  // It judges what will be sent and changes nothing; a plugin that changes calls says `shape`.
  phase: 'guard',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      longest: {
        type: 'string',
        format: 'size',
        default: '64KiB',
        description: 'The longest arguments of a call, as JSON.',
      },
    },
  },
  setup({ longest }) {
    return {
      beforeCall({ args }) {
        const length = Buffer.byteLength(JSON.stringify(args))
        if (length <= longest) return undefined
        return deny('INVALID', `the arguments have ${length} bytes, more than ${longest}`, {
          hint: 'Send less at a time.',
          rule: 'longest',
        })
      },
    }
  },
})
