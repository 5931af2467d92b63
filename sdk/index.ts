// The public surface of the SDK: all a plugin may import besides its own packages and Node.
export type { Call } from './call.ts'
export type { Caller, Client, Principal } from './caller.ts'
export type { Entry, Target, ToolDefinition } from './entry.ts'
export type {
  AuthRefused,
  CallFinished,
  CallStarted,
  CatalogChanged,
  Event,
  Listed,
  PluginFailed,
  UpstreamState,
  UpstreamStatus,
  Verdict,
} from './events.ts'
export {
  type Authenticated,
  type AuthRequest,
  type Challenge,
  type Credentials,
  type CredentialsQuery,
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
export {
  type ClaimedSettings,
  CONTRACT,
  definePlugin,
  type Phase,
  type Plugin,
  type PluginDefinition,
  type UpstreamSettings,
} from './plugin.ts'
export type { Infer, Schema } from './schema.ts'
export { Catalog, Clock, Info, Log } from './services.ts'
export { type Resolved, type Token, type Tokens, token } from './token.ts'
