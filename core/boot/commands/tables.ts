/** Rows as aligned columns; the first row is the head. Nothing for a head alone. */
export function table(rows: readonly (readonly string[])[]): string[] {
  if (rows.length < 2) return []
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => [...(row[column] ?? '')].length)),
  )
  return rows.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - [...cell].length))
      .join('  ')
      .trimEnd(),
  )
}

/** Lines after a blank one, if there are any. */
export function section(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', ...lines]
}

/** What a program answered, for people: text as it is, lists of records as a table, records as lines. */
export function inWords(value: unknown): string[] {
  if (typeof value === 'string') return value.split('\n')
  const records = Array.isArray(value) ? value : undefined
  if (records !== undefined && records.length > 0 && records.every(isRecord)) {
    const keys = [...new Set(records.flatMap((one) => Object.keys(one)))]
    return table([
      keys.map((key) => key.toUpperCase()),
      ...records.map((one) => keys.map((key) => cellOf(one[key]))),
    ])
  }
  if (records !== undefined) return records.map(cellOf)
  if (!isRecord(value)) return [cellOf(value)]
  const width = Math.max(0, ...Object.keys(value).map((key) => key.length))
  return Object.entries(value).map(([key, one]) => `${key.padEnd(width)}  ${cellOf(one)}`.trimEnd())
}

/** Milliseconds as people say them: the two largest units. */
export function durationInWords(ms: number): string {
  const units: [string, number][] = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ]
  const first = units.findIndex(([, size]) => ms >= size)
  if (first < 0) return '0s'
  let rest = ms
  return units
    .slice(first, first + 2)
    .map(([unit, size]) => {
      const count = Math.floor(rest / size)
      rest -= count * size
      return `${count}${unit}`
    })
    .join(' ')
}

function cellOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
