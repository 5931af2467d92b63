import { type Census, sockets } from './measured.ts'

/** One line of the table. */
export interface Line {
  readonly what: string
  /** As people read it. */
  readonly found: string
  /** The bound; absent where a figure only stands beside another. */
  readonly target?: string
  readonly met: boolean
}

/** What came of opening many of something twice, and dropping them impolitely. */
export interface Waves {
  readonly name: string
  readonly count: number
  /** Before the first wave, with a smaller one behind it. */
  readonly before: Census
  readonly open: Census
  /** After the first wave, and after the second. */
  readonly ends: readonly [Census, Census]
}

/** What came of doing something very often: at the start, in the middle, at the end. */
export interface Repeats {
  readonly name: string
  readonly count: number
  readonly looks: readonly [Census, Census, Census]
}

const KB = 1024
/** Bytes by which a heap at rest differs from itself from one look to the next. */
const NOISE = 512 * KB

/** Bytes of heap that each of them takes. */
export function perEach({ before, open, count }: Waves): number {
  return (open.heap - before.heap) / count
}

/** What is held of waves. @param target bytes each may take; undefined where nothing is demanded */
export function linesOfWaves(waves: Waves, target: number | undefined): Line[] {
  const { name, count, before, ends } = waves
  const [first, second] = ends
  const each = perEach(waves)
  const size: Line = {
    what: `${number(count)} ${name}: heap each`,
    found: kilobytes(each),
    met: target === undefined || each <= target,
    ...(target === undefined ? {} : { target: `≤ ${kilobytes(target)}` }),
  }
  if (target === undefined) return [size]
  const more = second.heap - first.heap
  return [
    size,
    {
      what: `${number(count)} ${name}, dropped: the second wave adds`,
      found: kilobytes(more),
      target: `≤ ${kilobytes(NOISE)}`,
      met: more <= NOISE,
    },
    leftOver(`${number(count)} ${name}, dropped`, before, second),
  ]
}

/** What is held of repeats: nothing more at the end than in the middle. */
export function linesOfRepeats({ name, count, looks }: Repeats): Line[] {
  const [, middle, end] = looks
  const more = end.heap - middle.heap
  return [
    {
      what: `${number(count)} ${name}: heap, the second half adds`,
      found: kilobytes(more),
      target: `≤ ${kilobytes(NOISE)}`,
      met: more <= NOISE,
    },
    leftOver(`${number(count)} ${name}`, middle, end),
  ]
}

/** What keeps the event loop going must be what kept it going before. */
function leftOver(what: string, before: Census, after: Census): Line {
  const kinds = Object.entries(after.resources).flatMap(([kind, count]) => {
    const more = count - (before.resources[kind] ?? 0)
    return more > 0 ? `${more} ${kind}` : []
  })
  const children = after.children - before.children
  if (children > 0) kinds.push(`${children} children`)
  return {
    what: `${what}: sockets, children and timers left`,
    found: kinds.length === 0 ? 'none' : kinds.join(', '),
    target: 'none',
    // One interval of the whole gateway comes and goes.
    met: sockets(after) <= sockets(before) && kinds.every((kind) => kind === '1 Timeout'),
  }
}

/** The table, as Markdown. */
export function markdownOf(lines: readonly Line[]): string {
  const rows = lines.map(({ what, found, target = '', met }) => {
    return `| ${what} | ${met ? found : `**${found}**`} | ${target} |`
  })
  return ['| what | found | target |', '| --- | ---: | ---: |', ...rows].join('\n')
}

/** 1536 is 1.5 KB. */
export function kilobytes(bytes: number): string {
  return `${(bytes / KB).toFixed(1)} KB`
}

function number(count: number): string {
  return count.toLocaleString('en-US')
}
