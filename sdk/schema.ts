/**
 * A JSON Schema (2020-12) as a literal. The gateway adds two formats that operators write as text
 * and plugins read as numbers: `duration` (`"1h30m"`, in milliseconds) and `size` (`"4MiB"`, in bytes).
 */
export type Schema = { readonly [keyword: string]: unknown }

type Simplify<T> = { readonly [K in keyof T]: T[K] } & {}

type Present<P, R> = {
  [K in keyof P]: K extends R ? K : P[K] extends { readonly default: unknown } ? K : never
}[keyof P]

type ObjectOf<P, R> = Simplify<
  { [K in Present<P, R>]: Infer<P[K]> } & { [K in Exclude<keyof P, Present<P, R>>]?: Infer<P[K]> }
>

type RequiredOf<S> = S extends { readonly required: readonly (infer R)[] } ? R : never

type Of<S, T> = T extends 'string'
  ? S extends { readonly format: 'duration' | 'size' }
    ? number
    : string
  : T extends 'integer' | 'number'
    ? number
    : T extends 'boolean'
      ? boolean
      : T extends 'null'
        ? null
        : T extends 'array'
          ? S extends { readonly items: infer I }
            ? readonly Infer<I>[]
            : readonly unknown[]
          : T extends 'object'
            ? S extends { readonly properties: infer P }
              ? ObjectOf<P, RequiredOf<S>>
              : S extends { readonly additionalProperties: infer A extends Schema }
                ? Readonly<Record<string, Infer<A>>>
                : Readonly<Record<string, unknown>>
            : unknown

/**
 * The TypeScript type of what a schema literal admits, with defaults filled in: a property that is
 * required or has a `default` is always there.
 */
export type Infer<S> = S extends { readonly const: infer C }
  ? C
  : S extends { readonly enum: readonly (infer E)[] }
    ? E
    : S extends { readonly anyOf: readonly (infer A)[] }
      ? Infer<A>
      : S extends { readonly oneOf: readonly (infer O)[] }
        ? Infer<O>
        : S extends { readonly type: readonly (infer T)[] }
          ? Of<S, T>
          : S extends { readonly type: infer T }
            ? Of<S, T>
            : unknown
