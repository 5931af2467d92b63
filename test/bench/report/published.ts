/** The files that are made from results/bench.json: a page, a chart, and the README's section where it has one. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../../house/plugins.ts'
import { chartOf } from './chart.ts'
import { pageOf } from './page.ts'
import type { Result } from './result.ts'

/** Where the figures are, in the repository. */
export const FIGURES = 'test/bench/results/bench.json'
const PAGE = 'test/bench/results/bench.md'
const CHART = 'test/bench/results/bench.svg'
const START = '<!-- bench: made by `npm run bench -- --publish` -->'
const END = '<!-- /bench -->'

/** Path in the repository → the text that should stand there. */
export function published(result: Result): Map<string, string> {
  const page = pageOf(result)
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  return new Map([
    [PAGE, `# Speed\n\n![Speed](bench.svg)\n\n${page}\n`],
    [CHART, chartOf(result)],
    ['README.md', sectioned(readme, `![Speed](${CHART})\n\n${page}`)],
  ])
}

/** The README with the body between its two marks; as it is where it has none. */
export function sectioned(readme: string, body: string): string {
  if (!readme.includes(START)) return readme
  const [before, rest = ''] = readme.split(START)
  const [, after] = rest.split(END)
  if (after === undefined) throw new Error(`the README has no "${END}"`)
  return `${before}${START}\n\n${body}\n\n${END}${after}`
}

/** The figures that were published last. */
export function lastResult(): Result {
  return JSON.parse(readFileSync(join(ROOT, FIGURES), 'utf8')) as Result
}
