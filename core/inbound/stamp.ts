import { findMember, isObject, readMembers } from '../wire/json.ts'
import { META } from '../wire/protocol.ts'

/**
 * A notification with the id of the subscription it belongs to (2026-07-28, subscriptions). Everything else in
 * it stays as it is written.
 * @param text has an object for `params`
 * @param id as JSON
 */
export function stamped(text: string, id: string): string {
  const value = JSON.parse(text) as { params: Record<string, unknown> }
  const { _meta: meta } = value.params
  const mark = `"${META.subscriptionId}":${id}`
  if (meta !== undefined && (!isObject(meta) || META.subscriptionId in meta)) {
    const { [META.subscriptionId]: _, ...kept } = isObject(meta) ? meta : {}
    const { _meta: __, ...params } = value.params
    const others = Object.keys(kept).length === 0 ? params : { ...params, _meta: kept }
    return stamped(JSON.stringify({ ...value, params: others }), id)
  }
  const members = readMembers(text)
  const paramsAt = members[findMember(text, members, 'params') + 2] as number
  if (meta === undefined) {
    const more = Object.keys(value.params).length === 0 ? '' : ','
    return `${text.slice(0, paramsAt + 1)}"_meta":{${mark}}${more}${text.slice(paramsAt + 1)}`
  }
  const params = readMembers(text, paramsAt)
  const metaAt = params[findMember(text, params, '_meta') + 2] as number
  const more = Object.keys(meta).length === 0 ? '' : ','
  return `${text.slice(0, metaAt + 1)}${mark}${more}${text.slice(metaAt + 1)}`
}
