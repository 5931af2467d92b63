/**
 * The ways in which one URI may be written, so that a rule about one of them is not walked round by another: as it
 * came, without dot segments, and percent-decoded.
 */
export function spellings(uri: string): readonly string[] {
  const found = new Set([uri])
  if (URL.canParse(uri)) found.add(new URL(uri).href)
  for (const one of [...found]) {
    try {
      const decoded = decodeURIComponent(one)
      found.add(decoded)
      // What was encoded may have been dot segments.
      if (URL.canParse(decoded)) found.add(new URL(decoded).href)
    } catch {
      // Not encoded, then: nothing else is meant by it.
    }
  }
  return [...found]
}
