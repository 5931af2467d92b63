import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import type { Scope } from '../../fixtures/gateway.ts'
import {
  attributesIn,
  type Fields,
  fieldsOf,
  hexIn,
  messagesIn,
  nanosIn,
  numberIn,
  packedIn,
  textIn,
} from './protobuf.ts'

/** A span as it arrived. */
export interface ArrivedSpan {
  readonly trace: string
  readonly id: string
  readonly parent: string
  readonly state: string
  readonly name: string
  /** As in the API: 2 server, 3 client, 1 internal. */
  readonly kind: number
  /** Nanoseconds since the epoch. */
  readonly start: bigint
  readonly end: bigint
  readonly attributes: Readonly<Record<string, string | number | boolean>>
  /** 0 unset, 2 error. */
  readonly status: number
  readonly message: string
  readonly resource: ArrivedSpan['attributes']
  readonly scope: string
}

/** One series of a metric as it arrived. */
export interface ArrivedPoint {
  readonly name: string
  readonly unit: string
  readonly kind: 'sum' | 'gauge' | 'histogram'
  readonly attributes: ArrivedSpan['attributes']
  /** Of a sum and a gauge. */
  readonly value: number
  /** Of a histogram. */
  readonly count: number
  readonly buckets: readonly number[]
  readonly boundaries: readonly number[]
  readonly resource: ArrivedSpan['attributes']
  readonly scope: string
}

/** A collector on a port of its own: takes OTLP over HTTP with protobuf, and reads it by the published numbers. */
export interface Collector {
  readonly url: string
  readonly spans: ArrivedSpan[]
  /** The points of the newest export. */
  points: ArrivedPoint[]
  /** One per export. */
  readonly requests: { readonly path: string; readonly headers: IncomingHttpHeaders }[]
  /** What it answers with. */
  status: number
  /** While true it takes requests and answers none. */
  silent: boolean
}

/** Starts one. It ends with the scope. */
export async function collector(scope: Scope): Promise<Collector> {
  const server = createServer(async (request, response) => {
    const sent = Buffer.concat(await request.toArray())
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent
    const { url: path = '', headers } = request
    running.requests.push({ path, headers })
    if (running.silent) return
    if (running.status === 200 && path === '/v1/traces') running.spans.push(...spansOf(body))
    if (running.status === 200 && path === '/v1/metrics') running.points = pointsOf(body)
    response.writeHead(running.status, { 'content-type': 'application/x-protobuf' }).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  scope.after(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  const running: Collector = {
    url: `http://127.0.0.1:${port}`,
    spans: [],
    points: [],
    requests: [],
    status: 200,
    silent: false,
  }
  return running
}

/** Resource and scope around what is in them. */
function inScopes(body: Buffer) {
  return messagesIn(fieldsOf(body), 1).flatMap((one) => {
    const resource = attributesIn(messagesIn(one, 1)[0], 1)
    return messagesIn(one, 2).map((scoped) => ({
      resource,
      scope: textIn(messagesIn(scoped, 1)[0], 1),
      items: messagesIn(scoped, 2),
    }))
  })
}

function spansOf(body: Buffer): ArrivedSpan[] {
  return inScopes(body).flatMap(({ resource, scope, items }) =>
    items.map((span) => {
      const status = messagesIn(span, 15)[0]
      return {
        trace: hexIn(span, 1),
        id: hexIn(span, 2),
        state: textIn(span, 3),
        parent: hexIn(span, 4),
        name: textIn(span, 5),
        kind: numberIn(span, 6),
        start: nanosIn(span, 7),
        end: nanosIn(span, 8),
        attributes: attributesIn(span, 9),
        message: textIn(status, 2),
        status: numberIn(status, 3),
        resource,
        scope,
      }
    }),
  )
}

const KINDS = { gauge: 5, sum: 7, histogram: 9 } as const

function pointsOf(body: Buffer): ArrivedPoint[] {
  return inScopes(body).flatMap(({ resource, scope, items }) =>
    items.flatMap((metric) =>
      (Object.keys(KINDS) as (keyof typeof KINDS)[]).flatMap((kind) =>
        messagesIn(metric, KINDS[kind])
          .flatMap((data) => messagesIn(data, 1))
          .map((point) => {
            const common = {
              name: textIn(metric, 1),
              unit: textIn(metric, 3),
              kind,
              resource,
              scope,
            }
            return { ...common, ...pointOf(point, kind) }
          }),
      ),
    ),
  )
}

function pointOf(point: Fields, kind: ArrivedPoint['kind']) {
  if (kind !== 'histogram') {
    const none = { count: 0, buckets: [], boundaries: [] }
    return { attributes: attributesIn(point, 7), value: numberIn(point, 4), ...none }
  }
  return {
    attributes: attributesIn(point, 9),
    value: numberIn(point, 5),
    count: Number(nanosIn(point, 4)),
    buckets: packedIn(point, 6, 'integers'),
    boundaries: packedIn(point, 7, 'doubles'),
  }
}
