import type { Call } from './call.ts'
import type { ToolDefinition } from './entry.ts'
import type { Maybe } from './hooks.ts'
import type { Outcome } from './outcome.ts'

/** A tool of a plugin's own. It passes every hook, like an upstream's. */
export interface OfferedTool {
  /** What clients read. Its `name` is the public name: an upstream's tool of the same name is hidden. */
  readonly definition: ToolDefinition
  /**
   * Does the work, within 60 s.
   * @returns an MCP `CallToolResult`, or the outcome of a call made with `Calls`, passed on as it is
   */
  call(call: Call): Maybe<Readonly<Record<string, unknown>> | Outcome>
}
