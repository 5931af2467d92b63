/** One place an entry can be called at. */
export interface Target {
  /** The id of the upstream in the config; `""` for what a plugin offers. */
  readonly upstream: string
  /** The id of the plugin line that offers it, in an upstream's place. */
  readonly plugin?: string
  /** The upstream's own name for it: of a resource its URI, of a template its URI template. */
  readonly name: string
  /**
   * The public name before `arrange`. An alias keeps the public name of the tool it stands for, so
   * that a policy written for the tool also covers its aliases.
   */
  readonly publicName: string
  /**
   * More names that policies compare: set by a plugin whose `arrange` puts entries under another name, so that a policy
   * for that name covers whatever else leads to the target (an alias, the name it keeps where it cannot be merged).
   */
  readonly policyNames?: readonly string[]
}

/** A tool as an upstream describes it (MCP `Tool`), with fields this SDK does not know left in place. */
export interface ToolDefinition {
  readonly name: string
  readonly description?: string
  readonly inputSchema: Readonly<Record<string, unknown>>
  readonly annotations?: Readonly<Record<string, unknown>>
  readonly [field: string]: unknown
}

/** A prompt (MCP `Prompt`), with fields this SDK does not know left in place. */
export interface PromptDefinition {
  readonly name: string
  readonly description?: string
  readonly arguments?: readonly {
    readonly name: string
    readonly description?: string
    readonly required?: boolean
    readonly [field: string]: unknown
  }[]
  readonly [field: string]: unknown
}

/** A resource (MCP `Resource`), with fields this SDK does not know left in place. */
export interface ResourceDefinition {
  readonly uri: string
  /** For people; clients ask for the `uri`. */
  readonly name: string
  readonly description?: string
  readonly mimeType?: string
  readonly [field: string]: unknown
}

/** Resources of one shape (MCP `ResourceTemplate`), with fields this SDK does not know left in place. */
export interface TemplateDefinition {
  /** RFC 6570. */
  readonly uriTemplate: string
  /** For people; clients ask for a URI of this shape. */
  readonly name: string
  readonly description?: string
  readonly mimeType?: string
  readonly [field: string]: unknown
}

/** What definition each kind of entry has. */
export interface Definitions {
  readonly tool: ToolDefinition
  readonly prompt: PromptDefinition
  readonly resource: ResourceDefinition
  readonly template: TemplateDefinition
}

const NONE: readonly string[] = []

/** What an entry is. */
export type EntryKind = keyof Definitions

/** One tool, prompt, resource or resource template in the catalog. */
export interface Entry<K extends EntryKind = EntryKind> {
  readonly kind: K
  /** What clients ask for: a name, a URI or a URI template. Unique among entries of its kind. */
  readonly name: string
  /** What clients read. Its `name`, `uri` or `uriTemplate` is always replaced by the entry's name. */
  readonly definition: Definitions[K]
  /** Where it can be called; more than one once `arrange` has merged entries. */
  readonly targets: readonly Target[]
}

/** Whether an entry is of a kind; its definition is known then. */
export function isKind<K extends EntryKind, E extends Entry>(
  entry: E,
  kind: K,
): entry is E & Entry<K> {
  return entry.kind === kind
}

/**
 * The names that a policy compares, each once: what clients use, the name before `arrange`, the upstream's own, and the
 * target's `policyNames`.
 * A rule that matches any of them covers the tool under all its names, aliases included.
 * @param target of the entry; none while no candidate was chosen
 */
export function namesOf(entry: Entry, target: Target | undefined): readonly string[] {
  if (target === undefined) return [entry.name]
  const { publicName, name, policyNames = NONE } = target
  return [...new Set([entry.name, publicName, name, ...policyNames])]
}
