import { didYouMean } from '../../core/hooks/nearest.ts'
import { isObject } from '../../core/wire/json.ts'
import type { TestOptions } from './index.ts'
import type { TestTool } from './upstream.ts'

const KNOWN: Readonly<Record<keyof TestOptions, true>> = {
  tools: true,
  aliases: true,
  upstreams: true,
  upstreamUrls: true,
  reply: true,
  ownTools: true,
  principal: true,
  client: true,
  path: true,
  profiles: true,
  url: true,
  egress: true,
  database: true,
  mode: true,
  before: true,
  with: true,
}

/** @throws TypeError for options that there are not, and for those of the wrong kind */
export function checkOptions(options: TestOptions): void {
  for (const key of Object.keys(options)) {
    if (Object.hasOwn(KNOWN, key)) continue
    const known = Object.keys(KNOWN)
    throw new TypeError(
      `testPlugin: no option \`${key}\`${didYouMean(key, known)}; there are ${known.join(', ')}`,
    )
  }
  const { tools } = options
  const lists = Array.isArray(tools) ? [tools] : isObject(tools) ? Object.values(tools) : [tools]
  for (const list of lists) {
    const isList =
      Array.isArray(list) && list.every((one) => typeof one === 'string' || isObject(one))
    if (isList || list === null || tools === undefined) continue
    throw new TypeError(
      "testPlugin: `tools` is a list of names or definitions, or such lists by upstream id: `{ crm: ['find'] }`",
    )
  }
}

/** The tools by upstream id, in config order; upstreams that only have settings are among them. */
export function toolsByUpstream({
  tools = ['echo'],
  upstreams = {},
}: TestOptions): Readonly<Record<string, readonly TestTool[] | null>> {
  const named = isList(tools) ? { demo: tools } : tools
  const others = Object.keys(upstreams).filter((id) => !(id in named))
  return { ...named, ...Object.fromEntries(others.map((id) => [id, []])) }
}

function isList(tools: NonNullable<TestOptions['tools']>): tools is readonly TestTool[] {
  return Array.isArray(tools)
}
