import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import ajvFormats from 'ajv-formats'
import { messageOf, type Problem } from '../../hooks/errors.ts'
import type { PluginLine } from '../../hooks/hooks.ts'
import type { ArgumentCheck } from '../../kernel/ports.ts'
import { isObject } from '../../wire/json.ts'
import { pathText } from '../config/config-file.ts'
import { explain } from '../config/reasons.ts'

/** By schema, so that it goes when the plugin's tool goes. */
const compiled = new WeakMap<object, ValidateFunction>()
let ajv: Ajv2020 | undefined

/**
 * Judges the arguments of a plugin's own tool by its `inputSchema`, as JSON Schema 2020-12.
 * @throws Error when the schema is none
 */
export function argumentCheck(schema: object): ArgumentCheck {
  const fits = compile(schema)
  return (args) => {
    if (fits(args)) return undefined
    const [first] = explain(fits.errors ?? [], args)
    if (first === undefined) return 'do not fit its inputSchema'
    const { path, reason } = first
    const told = reason.replace('is not a setting here', 'is not an argument of this tool')
    return path.length === 0 ? told : `${pathText(path)} ${told}`
  }
}

/** What is wrong with the `inputSchema` of plugins' own tools. */
export function inputProblems(lines: readonly PluginLine[]): Problem[] {
  return lines.flatMap(({ id, hooks: { tools } }) => {
    // What is no tool at all is told by those who judge offers.
    const offered: readonly unknown[] = Array.isArray(tools) ? tools : []
    return offered.flatMap((one) => {
      const definition = isObject(one) && isObject(one.definition) ? one.definition : {}
      if (!isObject(definition.inputSchema)) return []
      try {
        argumentCheck(definition.inputSchema)
        return []
      } catch (cause) {
        const reason = `the inputSchema of its tool \`${definition.name}\` is no JSON Schema: ${messageOf(cause)}`
        const hint = 'Write it as JSON Schema 2020-12: the arguments of every call are held to it.'
        return [{ code: 'PLUGIN_SETUP', where: `plugin ${id}`, reason, hint }]
      }
    })
  })
}

function compile(schema: object): ValidateFunction {
  let validate = compiled.get(schema)
  if (validate === undefined) {
    ajv ??= instance()
    // Whatever revision it names, it is read as 2020-12; and two plugins may have one id.
    const { $id: _, $schema: __, $async: ___, ...readable } = schema as Record<string, unknown>
    try {
      validate = ajv.compile(readable)
    } finally {
      ajv.removeSchema(readable)
    }
    compiled.set(schema, validate)
  }
  return validate
}

/** Made when the first plugin offers a tool. Schemas that were written for clients are not held to our taste. */
function instance(): Ajv2020 {
  // The first mistake is enough: who is told is a model, and thousands would cost us as much.
  const made = new Ajv2020({ strict: false, verbose: true, logger: false })
  ajvFormats.default(made)
  return made
}
