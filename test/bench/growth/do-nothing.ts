import { definePlugin } from '../../../sdk/index.ts'

/** A guard that lets everything pass: what is left is the price of asking it. */
export default definePlugin({
  name: 'do-nothing',
  version: '1.0.0',
  phase: 'guard',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  setup: () => ({ beforeCall: () => undefined }),
})
