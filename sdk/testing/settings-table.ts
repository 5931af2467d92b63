import { inlineRefs, isRecord, type Node } from '../../core/boot/config/schema-walk.ts'
import type { Schema } from '../index.ts'

/** One setting, as a README's table tells it: its path, its type, its default and what it is. */
export type SettingRow = readonly [
  name: string,
  type: string,
  fallback: string,
  description: string,
]

const BRANCHES = ['allOf', 'anyOf', 'oneOf', 'then', 'else']

/**
 * The rows of a README's settings table, in the order of the schema. Settings inside others are named by
 * their path: `keys[].id`, `limits.*.calls`.
 * @param key the claimed key, for a schema of `upstreamSettings`
 */
export function settingRows(schema: Schema, key = ''): SettingRow[] {
  const whole = inlineRefs(schema) as Node
  const rows = rowsOf(whole, key)
  // A claimed key may be a value itself, with nothing under it.
  if (rows.length === 0 && key !== '' && whole.type !== 'object') return [rowOf(key, whole, '')]
  // Branches of one schema speak of the same settings.
  return rows.filter(([name], index) => rows.findIndex(([other]) => other === name) === index)
}

function rowsOf(node: Node, path: string): SettingRow[] {
  const properties = isRecord(node.properties) ? node.properties : {}
  const required = (node.required ?? []) as readonly string[]
  const own = Object.entries(properties).flatMap(([name, one]) => {
    if (!isRecord(one)) return []
    const at = path === '' ? name : `${path}.${name}`
    const fallback = required.includes(name)
      ? 'required'
      : 'default' in one
        ? `\`${JSON.stringify(one.default)}\``
        : ''
    return [rowOf(at, one, fallback), ...rowsOf(one, at), ...rowsInside(one, at)]
  })
  const branches = BRANCHES.flatMap((keyword) => node[keyword] ?? []).filter(isRecord)
  return [...own, ...branches.flatMap((branch) => rowsOf(branch, path))]
}

function rowsInside({ items, additionalProperties }: Node, at: string): SettingRow[] {
  return [
    ...(isRecord(items) ? rowsOf(items, `${at}[]`) : []),
    ...(isRecord(additionalProperties) ? rowsOf(additionalProperties, `${at}.*`) : []),
  ]
}

function rowOf(name: string, node: Node, fallback: string): SettingRow {
  return [`\`${name}\``, typeOf(node), fallback, String(node.description ?? '')]
}

function typeOf(node: Node): string {
  if (node.format === 'duration' || node.format === 'size') return node.format
  if (Array.isArray(node.enum)) return node.enum.map((one) => `\`${one}\``).join(' or ')
  if ('const' in node) return `\`${JSON.stringify(node.const)}\``
  const branches = node.anyOf ?? node.oneOf
  if (Array.isArray(branches)) return [...new Set(branches.map(typeOf))].join(' or ')
  if (node.type === 'array') return `list of ${plural(typeOf((node.items ?? {}) as Node))}`
  if (node.type === 'object') return 'mapping'
  if (node.type === 'string' && node.format !== undefined) return String(node.format)
  return [node.type ?? 'any'].flat().join(' or ')
}

function plural(type: string): string {
  return /^(string|number|integer|boolean|mapping|duration|size)$/.test(type) ? `${type}s` : type
}
