/** One place an entry can be called at. */
export interface Target {
  /** The id of the upstream in the config; `""` for what a plugin offers. */
  readonly upstream: string
  /** The id of the plugin line that offers it, in an upstream's place. */
  readonly plugin?: string
  /** The upstream's own name for it. */
  readonly name: string
  /**
   * The public name before `arrange`. An alias keeps the public name of the tool it stands for, so
   * that a policy written for the tool also covers its aliases.
   */
  readonly publicName: string
}

/** A tool as an upstream describes it (MCP `Tool`), with fields this SDK does not know left in place. */
export interface ToolDefinition {
  readonly name: string
  readonly description?: string
  readonly inputSchema: Readonly<Record<string, unknown>>
  readonly annotations?: Readonly<Record<string, unknown>>
  readonly [field: string]: unknown
}

/** One tool in the catalog. */
export interface Entry {
  readonly kind: 'tool'
  /** The name clients use. Unique in the catalog. */
  readonly name: string
  /** What clients read. Its `name` is always replaced by the entry's. */
  readonly definition: ToolDefinition
  /** Where it can be called; more than one once `arrange` has merged entries. */
  readonly targets: readonly Target[]
}
