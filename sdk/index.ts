// The public surface of the SDK: all a plugin may import besides its own packages and Node.
export type { Call } from './call.ts'
export type { Caller, Client, Principal } from './caller.ts'
export {
  type Definitions,
  type Entry,
  type EntryKind,
  isKind,
  namesOf,
  type PromptDefinition,
  type ResourceDefinition,
  type Target,
  type TemplateDefinition,
  type ToolDefinition,
} from './entry.ts'
export type {
  AuthRefused,
  CallFinished,
  CallRound,
  CallStarted,
  CatalogChanged,
  Event,
  Listed,
  PluginEvent,
  PluginFailed,
  UpstreamState,
  UpstreamStatus,
  UpstreamTransport,
  Verdict,
} from './events.ts'
export { EVENT_TYPES } from './events.ts'
export {
  type Authenticated,
  type AuthRequest,
  type Challenge,
  type Command,
  type CommandContext,
  type Credentials,
  type CredentialsQuery,
  DATA_NAMES,
  type DataName,
  type Filter,
  type Health,
  HOOK_NAMES,
  type HookName,
  type Hooks,
  type IdentityQuery,
  type Maybe,
  type PermittedEntry,
  type Presentation,
  type Refusal,
  type RefusedQuery,
  type Route,
  type Routes,
} from './hooks.ts'
export { InvalidSettings } from './invalid-settings.ts'
export { matcher } from './matcher.ts'
export type { Message, MessageContext } from './message.ts'
export type { Offered, OfferedPrompt, OfferedResource, OfferedTool } from './offered.ts'
export {
  type Answer,
  answer,
  type Cancelled,
  type Change,
  type ChangeTarget,
  change,
  DENIAL_CODES,
  type Denial,
  type DenialCode,
  type DenialData,
  deny,
  type Executed,
  type Failure,
  type Outcome,
  type ResultOutcome,
} from './outcome.ts'
export { perCall } from './per-call.ts'
export {
  type ClaimedSettings,
  CONTRACT,
  definePlugin,
  type Phase,
  type Plugin,
  type PluginDefinition,
  type UpstreamSettings,
} from './plugin.ts'
export {
  type GuardHooks,
  type HooksIn,
  type HooksOf,
  PER_LINE,
  type PerLine,
  type Provided,
  perLine,
} from './provides.ts'
export { type Ask, ask, QUESTION_METHODS, type Question, type QuestionOutcome } from './question.ts'
export type { Infer, Schema } from './schema.ts'
export { Bus, type Stream, type StreamOptions } from './services/bus.ts'
export { Calls, type NestedListOptions, type NestedOptions } from './services/calls.ts'
export { Catalog } from './services/catalog.ts'
export { Clock } from './services/clock.ts'
export {
  Database,
  type MigratingDatabase,
  type Migration,
  type Migrations,
  type UntypedDatabase,
} from './services/database.ts'
export { Events } from './services/events.ts'
export { Http, type HttpAnswer, type HttpOptions } from './services/http.ts'
export { Info } from './services/info.ts'
export { type Bucket, type Consumed, type Expiry, KeyValue } from './services/key-value.ts'
export { type Lease, Lock, type LockOptions } from './services/lock.ts'
export { Log } from './services/log.ts'
export {
  type Counter,
  type Gauge,
  type Histogram,
  type HistogramSeries,
  type InstrumentOptions,
  type Labels,
  type Metric,
  Metrics,
  type NumberSeries,
} from './services/metrics.ts'
export { Seal } from './services/seal.ts'
export { Secrets } from './services/secrets.ts'
export { ServiceError } from './services/service-error.ts'
export {
  type AttemptSpan,
  type OperationSpan,
  type TraceContext,
  type TracedRequest,
  Tracer,
} from './services/tracer.ts'
export { Upstreams } from './services/upstreams.ts'
export { type Resolved, type Token, type Tokens, token } from './token.ts'
export { UriTemplate } from './uri-template.ts'
