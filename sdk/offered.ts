import type { Call } from './call.ts'
import type {
  PromptDefinition,
  ResourceDefinition,
  TemplateDefinition,
  ToolDefinition,
} from './entry.ts'
import type { Maybe } from './hooks.ts'
import type { Outcome } from './outcome.ts'

/** Something a plugin offers itself. It passes every hook, like an upstream's entry of the same kind. */
export interface Offered<Definition> {
  /**
   * What clients read. Its `name` (of a resource `uri`, of a template `uriTemplate`) is what they ask for:
   * an upstream's entry of the same kind and name is hidden.
   */
  readonly definition: Definition
  /**
   * Does the work, within 60 s. What a tool is called with has passed its `inputSchema`, after every guard.
   * @returns the MCP result of the call's method (with `content`, `messages` or `contents`; anything else is a
   *   failure of the plugin), or `deny(…)`, or the outcome of a call made with `Calls`, passed on as it is
   */
  call(call: Call): Maybe<Readonly<Record<string, unknown>> | Outcome>
}

/**
 * A tool of a plugin's own; `call` returns a `CallToolResult`. Its `inputSchema` is read as JSON Schema 2020-12,
 * whatever `$schema` says; no defaults are filled in.
 */
export type OfferedTool = Offered<ToolDefinition>

/** A prompt of a plugin's own; `call.args` are its arguments, and `call` returns a `GetPromptResult`. */
export type OfferedPrompt = Offered<PromptDefinition>

/**
 * A resource of a plugin's own, or all resources of a template. `call.args.uri` is the URI that was asked
 * for, {@link UriTemplate} reads what stands in it, and `call` returns a `ReadResourceResult`: whose resource it
 * is, the plugin decides.
 */
export type OfferedResource = Offered<ResourceDefinition | TemplateDefinition>
