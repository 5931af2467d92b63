import type { Event, Histogram, Metric, Metrics, Upstreams } from 'mcp-patchbay/sdk'

/** Seconds: what the MCP conventions recommend. */
export const BOUNDARIES = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300]

/** The two histograms of the MCP conventions. */
export function operationDurations(metrics: Metrics): { server: Histogram; client: Histogram } {
  const histogram = (side: 'server' | 'client', description: string) =>
    metrics.histogram(`mcp.${side}.operation.duration`, {
      description,
      unit: 's',
      boundaries: BOUNDARIES,
    })
  return {
    server: histogram('server', 'How long requests of clients for an entry took.'),
    client: histogram('client', 'How long sendings to upstreams took.'),
  }
}

/** What is counted of events; none of them is of a call. */
export const COUNTED: readonly Event['type'][] = ['list', 'auth.refused', 'upstream.state']

/** Counts what the histograms do not tell. */
export function eventCounters(metrics: Metrics): (event: Event) => void {
  const lists = metrics.counter('patchbay.lists', {
    description: 'Lists that were answered.',
    unit: '{list}',
  })
  const refused = metrics.counter('patchbay.auth.refused', {
    description: 'Requests that nobody vouched for, or somebody refused.',
    unit: '{request}',
  })
  const changes = metrics.counter('patchbay.upstream.changes', {
    description: 'How often an upstream came to a state, or told news of it.',
    unit: '{change}',
  })
  return (event) => {
    if (event.type === 'list') lists.add(1, { 'mcp.method.name': event.method })
    if (event.type === 'auth.refused') refused.add(1, { code: event.denial.code })
    if (event.type === 'upstream.state') {
      changes.add(1, { 'patchbay.upstream': event.upstream, state: event.state.state })
    }
  }
}

/** What was lost on the way to a collector. */
export function lostSpans(lost: number): Metric {
  return {
    name: 'patchbay.spans.lost',
    plugin: '',
    description: 'Spans that no collector took, and those that came while too many waited.',
    unit: '{span}',
    kind: 'counter',
    series: [{ labels: {}, value: lost }],
  }
}

/** Whether the upstreams are ready, at each reading. Workers are added up: those count that have it ready. */
export function upstreamMetrics(upstreams: Upstreams): Metric[] {
  const enabled = Object.entries(upstreams.status()).filter(([, { state }]) => state !== 'disabled')
  return [
    {
      name: 'patchbay.upstream.ready',
      plugin: '',
      description: 'Processes of the gateway that have the upstream ready.',
      unit: '{process}',
      kind: 'gauge',
      series: enabled.map(([id, { state }]) => {
        return { labels: { 'patchbay.upstream': id }, value: state === 'ready' ? 1 : 0 }
      }),
    },
  ]
}
