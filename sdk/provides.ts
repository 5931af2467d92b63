import type { Call } from './call.ts'
import type { Hooks, Maybe } from './hooks.ts'
import type { Denial } from './outcome.ts'
import type { Phase } from './plugin.ts'
import type { Ask } from './question.ts'
import type { Database, MigratingDatabase } from './services/database.ts'
import type { Token, Tokens } from './token.ts'

/** Marks what {@link perLine} made, also across two installed copies of the SDK. */
export const PER_LINE: unique symbol = Symbol.for('mcp-patchbay/per-line')

/** A service of which every plugin line sees its own part. */
export interface PerLine<T> {
  readonly [PER_LINE]: (line: string) => T
}

/**
 * Provides a service of which every plugin line sees its own part: needed for `KeyValue`, `Bus`, `Lock`,
 * `Seal` and `Database`, whose names of two lines must never meet.
 * @param make called once per line that needs the service, before that line's `setup`. `line` is its id,
 *   of letters, digits, _ and -; or `$gateway` for what the gateway itself stores
 */
export function perLine<T>(make: (line: string) => T): PerLine<T> {
  return { [PER_LINE]: make }
}

/** What stands behind a token when a plugin provides it. */
type Made<T> = [T] extends [Database] ? MigratingDatabase : T

/** What `provide` returns for these tokens: each service itself, or one per plugin line. */
export type Provided<P extends Tokens> = {
  readonly [K in keyof P]: P[K] extends Token<infer T> ? Made<T> | PerLine<Made<T>> : never
}

/** Guards judge what will be sent: in `beforeCall` they may only ask or deny. */
export interface GuardHooks extends Hooks {
  beforeCall?(call: Call): Maybe<undefined | Ask | Denial>
}

/** What a plugin of a phase may have for hooks. */
export type HooksIn<F extends Phase | undefined> = [F] extends ['guard'] ? GuardHooks : Hooks

/**
 * The hooks of a plugin: one that declares `provides` has `provide` among them, any other has not; a guard
 * returns neither `change` nor `answer`.
 */
export type HooksOf<P extends Tokens, F extends Phase | undefined = Phase> = string extends keyof P
  ? HooksIn<F> & { provide?(): Readonly<Record<string, unknown>> }
  : [keyof P] extends [never]
    ? HooksIn<F> & { readonly provide?: undefined }
    : HooksIn<F> & {
        /**
         * Makes what `provides` declares: exactly those keys, and no promise. Called once, right after
         * `setup`, also by `patchbay check`: connect in `start`, which runs before that of every line
         * that needs the service.
         */
        provide(): Provided<P>
      }
