import { isObject } from '../wire/json.ts'
import type { Problem } from './errors.ts'
import type { OfferName, PluginLine } from './hooks.ts'

const NAME = /^[A-Za-z0-9_-]{1,64}$/

interface OfferRule {
  readonly singular: string
  /** What it is asked for by; `undefined` when the definition is none. */
  name(definition: Readonly<Record<string, unknown>>): string | undefined
  readonly needs: string
}

const RULES: Readonly<Record<OfferName, OfferRule>> = {
  tools: {
    singular: 'tool',
    name: ({ name, inputSchema }) => (isObject(inputSchema) ? shortName(name) : undefined),
    needs: '`name` (letters, digits, _ and -) and `inputSchema`',
  },
  prompts: {
    singular: 'prompt',
    name: ({ name, arguments: args = [] }) =>
      Array.isArray(args) && args.every((one) => isObject(one) && typeof one.name === 'string')
        ? shortName(name)
        : undefined,
    needs: '`name` (letters, digits, _ and -) and, if it has any, `arguments` with names',
  },
  resources: {
    singular: 'resource',
    name: ({ uri, uriTemplate, name }) =>
      typeof name !== 'string' || (uri === undefined) === (uriTemplate === undefined)
        ? undefined
        : (absolute(uri) ?? balanced(uriTemplate)),
    needs: '`name`, and either an absolute `uri` or a `uriTemplate` (RFC 6570) with a scheme',
  },
}

/** What is wrong with what plugins offer: each must be what it is called, and no name can be offered twice. */
export function checkOffers(lines: readonly PluginLine[]): Problem[] {
  const owners = new Map<string, string>()
  return lines.flatMap(({ id, hooks }) =>
    (Object.keys(RULES) as OfferName[]).flatMap((field) => {
      const offered: unknown = hooks?.[field] ?? []
      if (!Array.isArray(offered)) {
        return [
          problem(id, `\`${field}\` is not a list`, 'Return an array of `{ definition, call }`.'),
        ]
      }
      return offered.flatMap((one: unknown) => checkOne(id, field, one, owners))
    }),
  )
}

function checkOne(
  id: string,
  field: OfferName,
  one: unknown,
  owners: Map<string, string>,
): Problem[] {
  const { singular, name: nameOf, needs } = RULES[field]
  const definition = isObject(one) && isObject(one.definition) ? one.definition : {}
  const name = nameOf(definition)
  if (name === undefined || !isObject(one) || typeof one.call !== 'function') {
    const said = String(definition.uri ?? definition.uriTemplate ?? definition.name ?? '?')
    const hint = `It needs \`definition\` with ${needs}, and \`call\`.`
    return [problem(id, `offers \`${said}\`, which is no ${singular}`, hint)]
  }
  const owner = owners.get(`${field} ${name}`)
  owners.set(`${field} ${name}`, id)
  if (owner === undefined) return []
  if (owner === id) {
    const reason = `offers the ${singular} \`${name}\` twice`
    return [problem(id, reason, 'Give one of the two another name, or take it out.')]
  }
  const hint = 'Give it another name, or take one of the two plugins out.'
  return [problem(id, `offers \`${name}\`, and so does plugin ${owner}`, hint)]
}

function shortName(name: unknown): string | undefined {
  return typeof name === 'string' && NAME.test(name) ? name : undefined
}

function absolute(uri: unknown): string | undefined {
  return typeof uri === 'string' && URL.canParse(uri) ? uri : undefined
}

/** A template whose braces pair, behind a scheme. */
function balanced(template: unknown): string | undefined {
  if (typeof template !== 'string') return undefined
  return /^[A-Za-z][A-Za-z0-9+.-]*:(?:[^{}]|\{[+#./;?&]?[\w%.,*:]+\})*$/.test(template)
    ? template
    : undefined
}

function problem(id: string, reason: string, hint: string): Problem {
  return { code: 'PLUGIN_SETUP', where: `plugin ${id}`, reason, hint }
}
