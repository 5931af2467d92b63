/** A table whose columns are as wide as their widest cell: the formatter's own form. */
export function markdown(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) =>
    row.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')),
  )
  const widths = (cells[0] ?? []).map((_, i) =>
    Math.max(3, ...cells.map((row) => [...(row[i] ?? '')].length)),
  )
  const line = (row: readonly string[], fill = ' ') =>
    `| ${row.map((cell, i) => cell + fill.repeat((widths[i] as number) - [...cell].length)).join(' | ')} |`
  const [head = [], ...body] = cells
  return [
    line(head),
    line(
      head.map(() => ''),
      '-',
    ),
    ...body.map((row) => line(row)),
  ].join('\n')
}
