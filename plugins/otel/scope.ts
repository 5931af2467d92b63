import type { Metric } from 'mcp-patchbay/sdk'

/** What the gateway's own instruments are of, and this plugin's. */
export const SCOPE = 'mcp-patchbay'

/** Whose instrument it is, as an instrumentation scope: another plugin line's have its id behind the name. */
export function scopeOf({ plugin }: Metric, own: string): string {
  return plugin === '' || plugin === own ? SCOPE : `${SCOPE}/${plugin}`
}

/** The label that the gateway counts under once an instrument has too many series. */
const OVERFLOW = 'overflow'

/** Labels as attributes: what stands for too many series is named as the specification names it. */
export function attributesOf(labels: Readonly<Record<string, string>>): Record<string, string> {
  const { [OVERFLOW]: overflow, ...rest } = labels
  return overflow === 'true' && Object.keys(rest).length === 0
    ? { 'otel.metric.overflow': 'true' }
    : { ...labels }
}
