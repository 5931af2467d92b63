import type { Problem } from '../../core/hooks/errors.ts'
import { didYouMean } from '../../core/hooks/nearest.ts'
import type { Plugin } from '../index.ts'
import { type SettingRow, settingRows } from './settings-table.ts'

/** The sections every plugin's README begins with, in this order. */
export const SECTIONS = ['What it does', 'Settings', 'Examples', 'Limits']

/** One ```yaml block of a README's section `Examples`. */
export interface Example {
  readonly text: string
  /** The line of the README its first line is. */
  readonly line: number
}

/** The examples of a README, in its order. */
export function examples(readme: string): Example[] {
  const section = sectionOf(readme, 'Examples')
  const from = readme.indexOf(section)
  return [...section.matchAll(/^```yaml\n(.*?)^```$/gms)].map(({ 1: text = '', index }) => ({
    text,
    line: readme.slice(0, from + index).split('\n').length + 1,
  }))
}

/** What stands under a heading of the second level, up to the next; empty when there is none. */
export function sectionOf(readme: string, heading: string): string {
  const [, ...after] = readme.split(new RegExp(`^## ${heading}$`, 'm'))
  return (after[0] ?? '').split(/^## /m)[0] as string
}

/**
 * What is wrong with a plugin's README, its examples aside.
 * @param titles what its first heading may say
 */
export function readmeProblems(
  readme: string,
  plugin: Plugin,
  titles: readonly string[],
): Problem[] {
  return [...headingProblems(readme, titles), ...tableProblems(readme, plugin)]
}

function headingProblems(readme: string, titles: readonly string[]): Problem[] {
  const prose = readme.replace(/^(`{3,}).*?^\1$/gms, '')
  const [title = '', ...headings] = prose.match(/^##? .*$/gm) ?? []
  const problems: Problem[] = []
  if (!titles.includes(title.slice(2))) {
    const hint = `Begin it with \`# ${titles[0]}\`.`
    problems.push(problem(`its first heading is \`${title}\`, not the plugin's name`, hint))
  }
  const missing = SECTIONS.filter((name) => !headings.includes(`## ${name}`))
  for (const name of missing) {
    problems.push(problem(`has no section \`## ${name}\``, 'Write one, however short.'))
  }
  const wanted = SECTIONS.map((name) => `## ${name}`)
  const first = headings.slice(0, wanted.length)
  if (missing.length === 0 && first.join() !== wanted.join()) {
    const hint = `Begin with ${SECTIONS.join(', ')}, in this order; what else there is comes after.`
    problems.push(problem('its sections stand in another order than those of every plugin', hint))
  }
  for (const name of SECTIONS) {
    if (missing.includes(name) || sectionOf(readme, name).trim() !== '') continue
    problems.push(problem(`its section \`## ${name}\` is empty`, 'Write what there is, or "None."'))
  }
  return problems
}

/** The settings table names every setting, and nothing that is none. */
function tableProblems(readme: string, { configSchema, upstreamSettings }: Plugin): Problem[] {
  const rows = [
    ...settingRows(configSchema),
    ...(upstreamSettings ? settingRows(upstreamSettings.schema, upstreamSettings.key) : []),
  ]
  const told = toldSettings(sectionOf(readme, 'Settings'))
  const found = told.map(({ name }) => name)
  const settings = rows.map(([name]) => name)
  return [
    ...rows
      .filter(([name]) => !found.includes(name))
      .map((row) =>
        problem(
          `its settings table has no row for ${row[0]}`,
          `Write: | ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`,
        ),
      ),
    ...told.flatMap(({ name, fallback }) => {
      const row = rows.find((one) => one[0] === name)
      return row === undefined || fallback === undefined ? [] : defaultProblems(row, fallback)
    }),
    ...found
      .filter((name) => !settings.includes(name))
      .map((name) => {
        const near = didYouMean(name, settings).replaceAll('"', '')
        return problem(
          `its settings table names ${name}, which is no setting${near}`,
          'Take the row out, or mend its name.',
        )
      }),
  ]
}

interface ToldSetting {
  /** In its backticks. */
  readonly name: string
  /** What the column `Default` says; `undefined` where there is none. */
  readonly fallback: string | undefined
}

/** The rows of all tables whose first cell is a name. */
function toldSettings(section: string): ToldSetting[] {
  return (section.match(/(?:^\|.*\n?)+/gm) ?? []).flatMap((table) => {
    const rows = table.trimEnd().split('\n').map(cellsOf)
    const column = (rows[0] ?? []).findIndex((cell) => /^default$/i.test(cell))
    return rows.flatMap((cells) => {
      const [name] = /^`[^`]+`/.exec(cells[0] ?? '') ?? []
      return name === undefined ? [] : [{ name, fallback: cells[column] }]
    })
  })
}

function cellsOf(row: string): string[] {
  const cells = row.split(/(?<!\\)\|/).slice(1)
  return cells.map((cell) => cell.trim().replaceAll('\\|', '|'))
}

/** A default may be told in words; told as code it is what the schema says. */
function defaultProblems([name, , real]: SettingRow, told: string): Problem[] {
  const [, code] = /^`([^`]*)`$/.exec(told) ?? []
  const bare = (text: string) => text.replace(/^`|`$/g, '').replace(/^"(.*)"$/, '$1')
  const isRight = real.startsWith('`')
    ? told !== '' && (code === undefined || bare(code) === bare(real))
    : code === undefined
  if (isRight) return []
  const what = told === '' ? 'no default' : `the default ${told}`
  const is =
    real === '' ? 'there is none' : real === 'required' ? 'it is required' : `it is ${real}`
  return [
    problem(
      `its settings table tells ${what} of ${name}, and ${is}`,
      `Write in its column Default: ${real === '' ? 'nothing' : real}.`,
    ),
  ]
}

function problem(reason: string, hint: string): Problem {
  return { code: 'PLUGIN_README', where: 'README.md', reason, hint }
}
