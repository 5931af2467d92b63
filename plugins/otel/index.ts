import { randomUUID } from 'node:crypto'
import {
  Clock,
  definePlugin,
  Info,
  Log,
  Metrics,
  Secrets,
  Tracer,
  Upstreams,
} from 'mcp-patchbay/sdk'
import { Bounded } from './bounded.ts'
import {
  COUNTED,
  eventCounters,
  lostSpans,
  operationDurations,
  upstreamMetrics,
} from './own-metrics.ts'
import { Pipeline } from './pipeline.ts'
import { CONTENT_TYPE, exposition } from './prometheus.ts'
import { SCHEMA } from './schema.ts'
import { SensitiveAttributes } from './sensitive.ts'
import { settingsOf } from './settings.ts'
import { Telemetry } from './telemetry.ts'
import { UpstreamFacts } from './upstream-facts.ts'

const VERSION = '0.1.0'

/** Traces and metrics by the MCP conventions of OpenTelemetry, pushed by OTLP and scraped by Prometheus. */
export default definePlugin({
  name: 'otel',
  version: VERSION,
  configSchema: SCHEMA,
  needs: {
    clock: Clock,
    info: Info,
    log: Log,
    metrics: Metrics,
    secrets: Secrets,
    upstreams: Upstreams,
  },
  provides: { tracer: Tracer },
  setup(config, { clock, info, log, metrics, secrets, upstreams }) {
    const settings = settingsOf(config, process.env)
    for (const to of [settings.traces.to, settings.metrics.to]) {
      // Those of the config are secrets already; those of the environment are not known to be.
      for (const value of Object.values(to?.headers ?? {})) secrets.add(value)
    }
    const resource = {
      'service.instance.id': randomUUID(),
      'service.version': info.version,
      ...settings.resource,
    }
    const parts = { settings, resource, clock, log, metrics, plugin: info.plugin }
    const pipeline = new Pipeline({ ...parts, version: info.version })
    const facts = new UpstreamFacts(upstreams)
    const { sampler, headers, sensitive, valueLength, to } = settings.traces
    const tracer = new Telemetry({
      clock,
      facts,
      names: new Bounded(settings.metrics.names),
      durations: settings.metrics.operations ? operationDurations(metrics) : undefined,
      tracing:
        to === undefined
          ? undefined
          : {
              sampler,
              headers,
              sensitive: new SensitiveAttributes(sensitive, valueLength, secrets),
              record: (span) => pipeline.record(span),
            },
    })
    const followed = settings.metrics.operations || to !== undefined
    const count = eventCounters(metrics)
    const clashes = new Set<string>()
    let forget: (() => void) | undefined
    return {
      provide: () => ({ tracer: followed ? tracer : NOBODY }),
      observes: COUNTED,
      observe(event) {
        if (event.type === 'upstream.state') facts.forget(event.upstream)
        count(event)
      },
      routes(routes) {
        routes.add({
          method: 'GET',
          path: '/metrics',
          access: 'admin',
          async handle(ctx) {
            const all = await metrics.readAll()
            ctx.type = CONTENT_TYPE
            ctx.body = exposition(all, info.plugin, resource, (name) => {
              if (clashes.has(name)) return
              clashes.add(name)
              log.warn(
                { metric: name },
                `two plugins have instruments that Prometheus would both call ${name}, of different kinds: ` +
                  'only the first is on /metrics. Have one of them renamed.',
              )
            })
          },
        })
      },
      async start() {
        for (const problem of settings.problems) log.warn({}, problem)
        forget = metrics.source(() => [
          ...upstreamMetrics(upstreams),
          ...(to === undefined ? [] : [lostSpans(pipeline.lost)]),
        ])
        await pipeline.start()
      },
      async stop() {
        forget?.()
        await pipeline.stop()
      },
      status: () => pipeline.status(),
    }
  },
})

/** Lets every call go. */
const NOBODY: Tracer = { operation: () => undefined, attempt: () => undefined }
