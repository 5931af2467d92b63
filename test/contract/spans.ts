import {
  type AttemptSpan,
  definePlugin,
  type OperationSpan,
  type Outcome,
  type TraceContext,
  Tracer,
} from 'mcp-patchbay/sdk'

/** What was seen of one operation or attempt. */
export interface Recorded {
  readonly kind: 'operation' | 'attempt'
  readonly name: string
  readonly trace: string
  readonly id: string
  /** The span around it; the client's own for an operation. */
  readonly parent: string | undefined
  readonly n?: number
  /** How often it was ended. */
  ends: number
  outcome?: string
  /** The call that it was, by the word of its end. */
  call?: string
}

interface Span extends OperationSpan {
  readonly recorded: Recorded
}

const known = ({ traceparent = '' }: TraceContext) =>
  /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(traceparent) ?? []

const said = (outcome: Outcome) => ('code' in outcome ? outcome.code : outcome.kind)

/** Records operations and attempts, and tells upstreams of them. */
export default definePlugin({
  name: 'spans',
  version: '1.0.0',
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  provides: { tracer: Tracer },
  setup() {
    const spans: Recorded[] = []
    const record = (span: Omit<Recorded, 'id' | 'ends'>): Recorded => {
      const all = { ...span, id: `${spans.length + 1}`.padStart(16, '0'), ends: 0 }
      spans.push(all)
      return all
    }
    const tracer: Tracer = {
      operation({ name }, incoming, outer): Span {
        const around = (outer as Span | undefined)?.recorded
        const [, trace = `${spans.length + 1}`.padStart(32, '0'), parent] = known(incoming)
        const recorded = record({
          kind: 'operation',
          name,
          trace: around?.trace ?? trace,
          parent: around?.id ?? parent,
        })
        const end: Span['end'] = (outcome, call) => {
          Object.assign(recorded, { outcome: said(outcome), call: call?.id })
          recorded.ends++
        }
        return { recorded, end }
      },
      attempt(_call, { upstream, name }, n, parent): AttemptSpan | undefined {
        const { trace, id } = (parent as Span).recorded
        const own = record({ kind: 'attempt', name: `${upstream} ${name}`, trace, parent: id, n })
        const traceparent = `00-${trace}-${own.id}-01`
        return {
          meta: { traceparent },
          headers: { traceparent, 'x-told': own.id, Authorization: 'mine' },
          end(outcome) {
            own.outcome = said(outcome)
            own.ends++
          },
        }
      },
    }
    return {
      provide: () => ({ tracer }),
      status: () => ({ spans }),
      routes: (routes) =>
        routes.add({
          method: 'GET',
          path: '/spans',
          access: 'public',
          handle(ctx) {
            ctx.body = spans
          },
        }),
    }
  },
})
