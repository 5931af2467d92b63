/** Median, lowest, highest. */
export type Spread = readonly [number, number, number]

/** The lower quartile: what a slice costs when nobody else disturbs the machine. */
export function calm(slices: readonly (number | null)[] | undefined): number | null {
  const sorted = (slices ?? []).filter((value) => value !== null).sort((a, b) => a - b)
  return sorted[sorted.length >> 2] ?? null
}

/** The difference, or null where a part of it is not known. */
export function minus(from: number | null, what: number | null): number | null {
  return from === null || what === null ? null : from - what
}

/** The ratio, or null where a part of it is not known or it would be none. */
export function divide(
  above: number | null | undefined,
  below: number | null | undefined,
): number | null {
  return above == null || below == null || below === 0 ? null : above / below
}

/** The median of what is known. */
export function median(values: readonly (number | null)[]): number | null {
  return spread(values)?.[0] ?? null
}

/** Median and both ends of what is known; null where nothing is. */
export function spread(values: readonly (number | null)[]): Spread | null {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b)
  const [low, high] = [sorted[0], sorted.at(-1)]
  if (low === undefined || high === undefined) return null
  const half = sorted.length >> 1
  const upper = sorted[half] as number
  const middle = sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] as number)) / 2
  return [middle, low, high]
}
