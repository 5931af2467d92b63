import type { ShadowRow } from '../../services/dry/shadow-report.ts'
import type { ShadowPage } from '../admin/shadow-page.ts'
import {
  type CommandHost,
  type CommonOptions,
  FILE,
  gatewayOf,
  JSON_OPTION,
  printer,
} from './command.ts'
import { section, table } from './tables.ts'

interface ShadowOptions extends CommonOptions {
  readonly config?: string
}

/** Adds `shadow`: what plugins in shadow would have done. */
export function addShadowCommand({ program, terminal, attempt }: CommandHost): void {
  const print = printer(terminal)
  program
    .command('shadow')
    .description('tell what plugins in shadow would have refused, asked or changed')
    .argument('[plugin]', 'the id of a plugin line; all in shadow when left out')
    .option('--config <file>', FILE)
    .option('--json', JSON_OPTION)
    .action((plugin: string | undefined, { config, json = false }: ShadowOptions) =>
      attempt(json, config, async (path) => {
        const query = plugin === undefined ? '' : `?plugin=${encodeURIComponent(plugin)}`
        const page = (await (await gatewayOf(path)).ask('GET', `/shadow${query}`)) as ShadowPage
        print(json, page, () => pageInWords(page))
      }),
    )
}

const SAID: Record<ShadowRow['verdict'], string> = {
  none: 'nothing',
  change: 'would have changed',
  answer: 'would have answered',
  ask: 'would have asked',
  deny: 'would have denied',
  failed: 'would have failed',
  pass: 'nothing',
  refuse: 'would have refused',
  show: 'nothing',
  hide: 'would have hidden',
}

function pageInWords({ plugins, rows, since, missing = [] }: ShadowPage): string[] {
  if (plugins.length === 0) {
    return ['No plugin line is in shadow. Write `mode: shadow` on one, and restart the gateway.']
  }
  const cells = rows.map(({ plugin, verdict, rule, issuer, subject, count, judged }) => {
    const noun = verdict === 'show' || verdict === 'hide' ? 'list entries' : 'calls'
    const caller = subject === '*' && issuer === '*' ? 'others' : `${issuer}/${subject}`
    return [plugin, SAID[verdict], `${count} of ${judged} ${noun}`, rule, caller]
  })
  return [
    `In shadow since ${since}: ${plugins.join(', ')}`,
    ...section(table([['PLUGIN', 'VERDICT', 'HOW OFTEN', 'RULE', 'CALLER'], ...cells])),
    ...missing.map((slot) => `Worker ${slot} did not answer: what it counted is missing.`),
    ...(cells.length === 0 ? ['Nobody has called or listed anything yet.'] : []),
  ]
}
