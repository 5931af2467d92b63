import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { type Driven, drive } from '../upstreams/gateway.ts'
import { type Said, stub } from '../upstreams/stub.ts'
import { type ArrivedSpan, type Collector, collector } from './collector.ts'

/** What a client is in the middle of. */
export const TRACE = '0af7651916cd43dd8448eb211c80319c'
/** Its span. */
export const CLIENT = 'b7ad6b7169203331'
/** What it sends of that. */
export const CONTEXT = {
  traceparent: `00-${TRACE}-${CLIENT}-01`,
  tracestate: 'a=1',
  baggage: 'b=2',
}

/** What a server got as `_meta`. */
export function metaOf({ message }: Said): Record<string, unknown> {
  return (message.params as { _meta: Record<string, unknown> })._meta
}

/** A gateway that traces to a collector, in front of one server. */
export async function traced(
  t: TestContext,
  config: object = {},
  era: 'modern' | 'legacy' = 'modern',
  more: { readonly plugins?: object[]; readonly files?: Record<string, string> } = {},
) {
  const [server, far] = [await stub(t, era), await collector(t)]
  const use = { use: 'otel', config: { otlp: { endpoint: far.url }, ...config } }
  const plugins = [use, ...(more.plugins ?? [])]
  const gateway = await drive(t, { up: { url: server.url } }, { ...more, plugins })
  await gateway.ready()
  return { server, far, gateway }
}

/** Waits until that many spans have arrived: in the order they began, outer ones first. */
export async function arrived(
  gateway: Driven,
  far: Collector,
  count: number,
): Promise<ArrivedSpan[]> {
  await gateway.passUntil(() => far.spans.length >= count)
  assert.equal(far.spans.length, count)
  return far.spans.toSorted((a, b) => Number(a.start - b.start) || a.kind - b.kind)
}
