import type {
  AttemptSpan,
  Call,
  Client,
  Clock,
  Entry,
  Histogram,
  OperationSpan,
  Outcome,
  Target,
  TraceContext,
  TracedRequest,
  Tracer,
} from 'mcp-patchbay/sdk'
import { Bounded, beginning } from './bounded.ts'
import { clientEnding, type Ending, serverEnding } from './ending.ts'
import { KnownLabels } from './known-labels.ts'
import { type Named, named, spanName } from './naming.ts'
import type { Sampler } from './sampler.ts'
import type { SensitiveAttributes } from './sensitive.ts'
import { type Attributes, KIND, type SpanParts } from './span.ts'
import { contextAt, type Place, parentOf, randomHex, stateOf } from './trace-context.ts'
import type { UpstreamFacts } from './upstream-facts.ts'

type Labels = Record<string, string>

/** Different JSON-RPC codes of servers, and revisions of clients, that become attributes. */
const MOST_CODES = 100
const MOST_VERSIONS = 20
/** Characters of a request's id at most: it is the client's to choose. */
const LONGEST_ID = 128

/** What following calls needs. */
export interface TelemetryParts {
  readonly clock: Clock
  readonly facts: UpstreamFacts
  /** Names of entries that become attributes. */
  readonly names: Bounded
  /** The two histograms; `undefined` when they are not wanted. */
  readonly durations: { readonly server: Histogram; readonly client: Histogram } | undefined
  /** `undefined`: no spans are made, and the client's own context travels on. */
  readonly tracing: Tracing | undefined
}

/** What making spans needs. */
export interface Tracing {
  readonly sampler: Sampler
  /** Whether HTTP headers carry the context too. */
  readonly headers: boolean
  readonly sensitive: SensitiveAttributes
  /** Takes a span that has ended. */
  record(span: SpanParts): void
}

/** Follows calls: measures every one, and makes spans of those that are sampled. */
export class Telemetry implements Tracer {
  readonly parts: TelemetryParts
  readonly codes = new Bounded(MOST_CODES)
  readonly versions = new Bounded(MOST_VERSIONS)
  /** What clients were served well, and upstreams were asked well. */
  readonly served = new KnownLabels<Entry, Client>()
  readonly asked = new KnownLabels<Target, Readonly<Labels>>()

  constructor(parts: TelemetryParts) {
    this.parts = parts
  }

  operation(
    request: TracedRequest,
    incoming: TraceContext,
    outer: OperationSpan | undefined,
  ): OperationSpan {
    return new Operation(this, request, incoming, outer instanceof Operation ? outer : undefined)
  }

  /** Codes of servers are their own to choose: only so many different ones become attributes. */
  codesOf(ending: Ending): Ending {
    const { error, code } = ending
    if (code === undefined) return ending
    const told = this.codes.of(code)
    return { error: error === code ? told : error, code: told }
  }

  attempt(call: Call, target: Target, n: number, parent: OperationSpan | undefined): AttemptSpan {
    return new Attempt(this, call, target, n, parent instanceof Operation ? parent : undefined)
  }
}

/** Seconds of the milliseconds that passed. */
function secondsSince(start: number, clock: Clock): number {
  return (clock.monotonic() - start) / 1_000
}

/** Where a request stands: below its client's span, below the call around it, or at the beginning. */
function placeOf({ sampler }: Tracing, incoming: TraceContext, outer: Place | undefined): Place {
  const spanId = randomHex(8)
  if (outer !== undefined) return { ...outer, spanId, parentId: outer.spanId, remote: false }
  const parent = parentOf(incoming)
  const traceId = parent?.traceId ?? randomHex(16)
  return {
    traceId,
    spanId,
    parentId: parent?.spanId,
    remote: true,
    sampled: sampler.samples(traceId, parent?.sampled),
    tracestate: parent && stateOf(incoming),
    baggage: incoming.baggage,
  }
}

function put(to: Labels | Attributes, what: Named, method: string, { error, code }: Ending): void {
  if (method === 'tools/call') to['gen_ai.operation.name'] = 'execute_tool'
  if (what.attribute !== undefined) to[what.attribute] = what.name
  if (code !== undefined) to['rpc.response.status_code'] = code
  if (error !== undefined) to['error.type'] = error
}

function isFine({ error, code }: Ending): boolean {
  return error === undefined && code === undefined
}

/** A request under way: the span of the server that the gateway is to its clients. */
class Operation implements OperationSpan {
  readonly place: Place | undefined
  /** On the growing clock. */
  readonly start: number
  /** Since the epoch, where there will be a span. */
  readonly epoch: number
  readonly #telemetry: Telemetry
  readonly #request: TracedRequest
  readonly #inner: boolean

  constructor(
    telemetry: Telemetry,
    request: TracedRequest,
    incoming: TraceContext,
    outer: Operation | undefined,
  ) {
    const { clock, tracing } = telemetry.parts
    this.#telemetry = telemetry
    this.#request = request
    this.#inner = outer !== undefined
    this.place = tracing && placeOf(tracing, incoming, outer?.place)
    this.start = clock.monotonic()
    this.epoch = this.place?.sampled === true ? clock.now() : 0
  }

  end(outcome: Outcome, call?: Call): void {
    const { clock, durations, names, tracing } = this.#telemetry.parts
    const seconds = secondsSince(this.start, clock)
    const { method, caller, wire, rpcId, sessionId } = this.#request
    const { client } = caller
    const what = named(call?.entry, call?.entry.name ?? '', names)
    const ending = this.#telemetry.codesOf(serverEnding(outcome, method, client.era))
    const make = () => {
      const labels: Labels = {
        'mcp.method.name': method,
        'mcp.protocol.version': this.#telemetry.versions.of(client.protocolVersion),
        'network.transport': wire === 'stdio' ? 'pipe' : 'tcp',
      }
      if (wire !== 'stdio') labels['network.protocol.name'] = 'http'
      put(labels, what, method, ending)
      return labels
    }
    // An inner call is no request of a client's.
    if (!this.#inner && durations !== undefined) {
      const labels =
        call === undefined || !isFine(ending)
          ? make()
          : this.#telemetry.served.of(call.entry, client, method, wire, make)
      durations.server.record(seconds, labels)
    }
    if (tracing === undefined || this.place?.sampled !== true) return
    const labels = make()
    const { sensitive } = tracing
    const attributes: Attributes = labels
    attributes['patchbay.outcome'] = outcome.kind
    if (rpcId !== undefined) {
      attributes['jsonrpc.request.id'] = beginning(String(JSON.parse(rpcId)), LONGEST_ID)
    }
    sensitive.addCaller(attributes, caller, sessionId)
    if (call !== undefined) sensitive.add(attributes, call, outcome)
    tracing.record({
      place: this.place,
      name: spanName(method, what),
      kind: this.#inner ? KIND.internal : KIND.server,
      start: this.epoch,
      duration: seconds * 1_000,
      attributes,
      failed: ending.error !== undefined && outcome.kind !== 'cancelled',
      message: sensitive.message(outcome),
    })
  }
}

/** A sending under way: the span of the client that the gateway is to its upstreams. */
class Attempt implements AttemptSpan {
  readonly meta?: TraceContext
  readonly headers?: Readonly<Record<string, string>>
  readonly #telemetry: Telemetry
  readonly #call: Call
  readonly #target: Target
  readonly #n: number
  readonly #operation: Operation | undefined
  readonly #start: number
  readonly #spanId: string

  constructor(
    telemetry: Telemetry,
    call: Call,
    target: Target,
    n: number,
    operation: Operation | undefined,
  ) {
    const { clock, tracing } = telemetry.parts
    this.#telemetry = telemetry
    this.#call = call
    this.#target = target
    this.#n = n
    this.#operation = operation
    const place = operation?.place
    // What is not recorded is no span: those behind hang on the one before.
    this.#spanId = place?.sampled === true ? randomHex(8) : (place?.spanId ?? '')
    if (tracing !== undefined && place !== undefined) {
      const context = contextAt(place, this.#spanId)
      this.meta = context
      if (tracing.headers) this.headers = headersOf(context)
    }
    this.#start = clock.monotonic()
  }

  end(outcome: Outcome): void {
    const { clock, durations, facts, names, tracing } = this.#telemetry.parts
    const seconds = secondsSince(this.#start, clock)
    const { method, entry } = this.#call
    const { upstream, name } = this.#target
    const what = named(entry, name, names)
    const ending = this.#telemetry.codesOf(clientEnding(outcome))
    const told = facts.of(upstream)
    const make = () => {
      const labels: Labels = { 'mcp.method.name': method, ...told }
      put(labels, what, method, ending)
      return labels
    }
    if (durations !== undefined) {
      const labels = isFine(ending)
        ? this.#telemetry.asked.of(this.#target, told, method, '', make)
        : make()
      durations.client.record(seconds, labels)
    }
    const { place, start = 0, epoch = 0 } = this.#operation ?? {}
    if (tracing === undefined || place?.sampled !== true) return
    const labels = make()
    const { sensitive } = tracing
    const attributes: Attributes = labels
    const port = labels['server.port']
    if (port !== undefined) attributes['server.port'] = Number(port)
    attributes['patchbay.outcome'] = outcome.kind
    attributes['patchbay.attempt'] = this.#n
    sensitive.add(attributes, this.#call, outcome)
    tracing.record({
      place: { ...place, spanId: this.#spanId, parentId: place.spanId, remote: false },
      name: spanName(method, what),
      kind: KIND.client,
      start: epoch + this.#start - start,
      duration: seconds * 1_000,
      attributes,
      failed: ending.error !== undefined && outcome.kind !== 'cancelled',
      message: sensitive.message(outcome),
    })
  }
}

/** The same as headers. Baggage may hold more than a header can, and stays in `_meta`. */
function headersOf({ traceparent, tracestate }: TraceContext): Record<string, string> {
  const headers: Record<string, string> = {}
  if (traceparent !== undefined) headers.traceparent = traceparent
  if (tracestate !== undefined) headers.tracestate = tracestate
  return headers
}
