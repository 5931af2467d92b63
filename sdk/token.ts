/**
 * The typed name of a service. Two installed copies of the SDK make the same token from the same
 * name (`Symbol.for`), so a plugin built against its own copy still gets the gateway's service.
 */
export interface Token<T> {
  /** The name operators read in messages, for example `Clock`. */
  readonly name: string
  /** The identity of the service. */
  readonly key: symbol
  /** Carries the type only; never set at run time. */
  readonly type?: T
}

/** Makes the token of a service. The same name always gives the same service. */
export function token<T>(name: string): Token<T> {
  return { name, key: Symbol.for(`mcp-patchbay/service/${name}`) }
}

/** The services behind a map of tokens, as `setup` receives them. */
export type Resolved<N extends Tokens> = {
  readonly [K in keyof N]: N[K] extends Token<infer T> ? T : never
}

/** Local names and the services they stand for. */
export type Tokens = Readonly<Record<string, Token<unknown>>>
