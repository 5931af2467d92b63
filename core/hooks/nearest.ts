import leven from 'leven'

/** ` (did you mean "x"?)` for the nearest known name, or nothing when none is near. */
export function didYouMean(name: string, known: readonly string[]): string {
  const ranked = known
    .map((one) => ({ one, distance: leven(name.toLowerCase(), one.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
  const best = ranked[0]
  // A third of the letters wrong is a typo; more is another word.
  return best !== undefined && best.distance <= Math.max(2, name.length / 3)
    ? ` (did you mean "${best.one}"?)`
    : ''
}
