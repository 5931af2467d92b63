import type { HooksOf } from './provides.ts'
import type { Infer, Schema } from './schema.ts'
import type { Migrations } from './services/database.ts'
import type { Resolved, Tokens } from './token.ts'

/** The major version of the plugin contract. The loader refuses plugins made for another. */
export const CONTRACT = 1

/**
 * When `beforeCall` and `afterCall` run. Shapers change what is sent and answered, guards judge it:
 * forward shapers then guards, backward shapers in reverse then guards, each in config order.
 */
export type Phase = 'shape' | 'guard'

/** A key this plugin claims under every upstream of the config. */
export interface UpstreamSettings {
  /** For example `auth`. Two plugins cannot claim the same key. */
  readonly key: string
  readonly schema: Schema
  /**
   * Set where the key means nothing for an upstream that is a `command`: what its operator should do instead. The key
   * is then refused there with this hint, and not inherited from `defaults.upstream`.
   */
  readonly notForCommands?: string
}

/** The settings under the claimed key, by upstream id; upstreams without the key are missing. */
export type ClaimedSettings<U> = U extends { readonly schema: infer S }
  ? ReadonlyMap<string, Infer<S>>
  : ReadonlyMap<string, never>

/** A plugin: data that tools can read without running it, and one function. */
export interface PluginDefinition<
  C extends Schema = Schema,
  N extends Tokens = Tokens,
  U extends UpstreamSettings | undefined = UpstreamSettings | undefined,
  P extends Tokens = Tokens,
  F extends Phase | undefined = Phase | undefined,
> {
  /** Kebab case; the folder's or package's name, and the default id of its plugin line. */
  readonly name: string
  /** The plugin's own version. */
  readonly version: string
  /** Needed with `beforeCall` or `afterCall`. */
  readonly phase?: F
  /**
   * The plugin's word that `listFilter` and `beforeCall` can run dry: with `call.dry` they change nothing but
   * `KeyValue`. Operators may then write `mode: shadow`, and `patchbay explain --args` runs it.
   */
  readonly shadow?: boolean
  /** An object schema that forbids unknown properties and describes every property. */
  readonly configSchema: C
  readonly upstreamSettings?: U
  /** The services it wants, under names of its own. A missing one stops the boot. */
  readonly needs?: N
  /**
   * Services it adds, or replaces for the other plugin lines, under names of its own; `provide` makes
   * them. It is set up, started and stopped around the lines that need them.
   */
  readonly provides?: P
  /** The steps of its tables; `needs` must ask for `Database`. */
  readonly migrations?: Migrations
  /**
   * Builds the plugin from checked settings. Called once per plugin line, also by `patchbay check`:
   * no I/O here, that is what `start` is for. Throws `InvalidSettings` for what the schema cannot express.
   */
  setup(
    config: Infer<C>,
    services: Resolved<N>,
    upstreams: ClaimedSettings<U>,
  ): HooksOf<NoInfer<P>, NoInfer<F>>
}

/** A definition with the contract's major stamped on it. */
export interface Plugin extends PluginDefinition<Schema, Tokens, UpstreamSettings | undefined> {
  readonly contract: number
}

/**
 * Declares a plugin. The types of `config`, `services` and `upstreams` follow from the literals.
 * @returns the plugin, to be the module's default export
 */
export function definePlugin<
  const C extends Schema,
  const N extends Tokens = Record<never, never>,
  const U extends UpstreamSettings | undefined = undefined,
  const P extends Tokens = Record<never, never>,
  const F extends Phase | undefined = undefined,
>(definition: PluginDefinition<C, N, U, P, F>): Plugin {
  // The one cast of the SDK: the kernel hands `setup` exactly what these schemas and tokens say.
  return { ...(definition as unknown as PluginDefinition), contract: CONTRACT }
}
