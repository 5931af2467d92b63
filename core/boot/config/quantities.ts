const DURATION =
  /^(?=\d)(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/
const UNITS = [86_400_000, 3_600_000, 60_000, 1_000, 1]

const SIZE = /^(\d+(?:\.\d+)?) ?(B|[KMG]i?B)?$/
const BYTES: Record<string, number> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
}

/** What operators may write where a schema says `format: duration` or `format: size`. */
export type Unit = 'duration' | 'size'

/** How messages describe a unit. */
export const EXAMPLES: Record<Unit, string> = {
  duration: 'a duration such as "500ms", "60s" or "1h30m"',
  size: 'a size such as "512", "64KiB" or "4MiB"',
}

/** The same as regular expressions, for editors. */
export const PATTERNS: Record<Unit, string> = { duration: DURATION.source, size: SIZE.source }

/** `"1h30m"` → milliseconds; `undefined` when it is no duration. Without a unit only 0 is one. */
export function parseDuration(text: string | number): number | undefined {
  if (text === 0 || text === '0') return 0
  const match = typeof text === 'string' ? DURATION.exec(text) : null
  if (match === null) return undefined
  return whole(UNITS.reduce((sum, unit, i) => sum + Number(match[i + 1] ?? 0) * unit, 0))
}

/** `"4MiB"` → bytes; `undefined` when it is no size. A plain number is bytes. */
export function parseSize(text: string | number): number | undefined {
  if (typeof text === 'number') return Number.isInteger(text) && text >= 0 ? whole(text) : undefined
  const match = SIZE.exec(text)
  if (match === null) return undefined
  return whole(Number(match[1]) * (BYTES[match[2] ?? 'B'] as number))
}

/** The number behind a quantity as it was written. */
export function parseQuantity(unit: Unit, text: string | number): number | undefined {
  return unit === 'duration' ? parseDuration(text) : parseSize(text)
}

/** A quantity as an operator would write it. */
export function formatQuantity(unit: Unit, value: number): string {
  const scale: [string, number][] =
    unit === 'duration'
      ? ['d', 'h', 'm', 's', 'ms'].map((name, i) => [name, UNITS[i] as number])
      : ['GiB', 'MiB', 'KiB', 'B'].map((name) => [name, BYTES[name] as number])
  const [name, size] = scale.find(([, one]) => value >= one && value % one === 0) ?? ['', 1]
  return `${value / size}${value === 0 ? '' : name}`
}

function whole(value: number): number | undefined {
  const rounded = Math.round(value)
  return Number.isSafeInteger(rounded) ? rounded : undefined
}
