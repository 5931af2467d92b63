import {
  type CreateIndexNode,
  IdentifierNode,
  type KyselyPlugin,
  type OperationNode,
  OperationNodeTransformer,
  type PluginTransformQueryArgs,
  type PluginTransformResultArgs,
  type QueryResult,
  type ReferenceNode,
  type RootOperationNode,
  type SchemableIdentifierNode,
  type TableNode,
  type UnknownRow,
} from 'kysely'

/** Puts a prefix before the name of every table, view and index of a statement. */
export class TablePrefix implements KyselyPlugin {
  readonly #prefix: string

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  transformQuery({ node, queryId }: PluginTransformQueryArgs): RootOperationNode {
    const names = new Names()
    names.collect(node)
    return new Prefixer(this.#prefix, names).transformNode(node, queryId)
  }

  async transformResult({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    return result
  }
}

/** What the names in a statement stand for. */
class Names {
  /** Tables that stand where tables stand, so not what a column's name begins with. */
  readonly tables = new Set<string>()
  readonly aliases = new Set<string>()
  /** Common table expressions: they belong to the statement, not to the database. */
  readonly expressions = new Set<string>()

  collect(node: unknown): void {
    if (typeof node !== 'object' || node === null) return
    if (Array.isArray(node)) {
      for (const one of node) this.collect(one)
      return
    }
    const { kind, ...members } = node as Partial<OperationNode> & Record<string, unknown>
    // A column's name may begin with a table's: that says nothing about what it stands for.
    if (kind === 'ReferenceNode') delete members.table
    if (kind === 'SelectionNode') {
      // What a column is called in the answer is no name of a table.
      const { selection } = node as { selection: OperationNode & { node?: OperationNode } }
      this.collect(selection.kind === 'AliasNode' ? selection.node : selection)
      return
    }
    if (kind === 'TableNode') this.tables.add(nameOf(node as TableNode))
    if (kind === 'CommonTableExpressionNameNode') {
      this.expressions.add(nameOf((node as { table: TableNode } & object).table))
      return
    }
    const { alias } = members as { alias?: OperationNode }
    if (kind === 'AliasNode' && alias !== undefined && IdentifierNode.is(alias)) {
      this.aliases.add(alias.name)
    }
    for (const one of Object.values(members)) this.collect(one)
  }
}

class Prefixer extends OperationNodeTransformer {
  readonly #prefix: string
  readonly #names: Names

  constructor(prefix: string, names: Names) {
    super()
    this.#prefix = prefix
    this.#names = names
  }

  protected override transformSchemableIdentifier(
    node: SchemableIdentifierNode,
  ): SchemableIdentifierNode {
    return this.#names.expressions.has(node.identifier.name)
      ? node
      : { ...node, identifier: this.#identifier(node.identifier) }
  }

  protected override transformReference(
    node: ReferenceNode,
    ...rest: [queryId?: PluginTransformQueryArgs['queryId']]
  ): ReferenceNode {
    const { table } = node
    const name = table === undefined ? undefined : nameOf(table)
    // `excluded.x` and `alias.x` are no tables of the database.
    const isTable =
      name !== undefined && this.#names.tables.has(name) && !this.#names.aliases.has(name)
    const whole = super.transformReference(node, ...rest)
    return isTable || table === undefined ? whole : { ...whole, table }
  }

  protected override transformCreateIndex(
    node: CreateIndexNode,
    ...rest: [queryId?: PluginTransformQueryArgs['queryId']]
  ): CreateIndexNode {
    return { ...super.transformCreateIndex(node, ...rest), name: this.#identifier(node.name) }
  }

  #identifier({ name }: IdentifierNode): IdentifierNode {
    return IdentifierNode.create(this.#prefix + name)
  }
}

function nameOf({ table }: TableNode): string {
  return table.identifier.name
}
