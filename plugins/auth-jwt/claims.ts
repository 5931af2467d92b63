/**
 * A claim by its path. Its whole name comes first, so that names with dots in them are found, such as
 * `https://acme.example/roles`; then dots lead into objects.
 */
export function claimAt(claims: unknown, path: string): unknown {
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) return undefined
  if (Object.hasOwn(claims, path)) return (claims as Record<string, unknown>)[path]
  for (let dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) {
    const name = path.slice(0, dot)
    if (!Object.hasOwn(claims, name)) continue
    return claimAt((claims as Record<string, unknown>)[name], path.slice(dot + 1))
  }
  return undefined
}

/** A claim's values as text: one, or each of a list. Objects have none. */
export function valuesOf(claim: unknown): string[] {
  return [claim].flat().flatMap((one) => (isScalar(one) ? [String(one)] : []))
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}
