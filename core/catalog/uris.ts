import type { Entry, Target } from '../../sdk/index.ts'
import type { ListedEntry } from './ports.ts'

const FORM = /^patchbay\+([A-Za-z0-9_-]+):([\s\S]*)$/
/** Hosts show a user interface under this scheme and under no other (MCP Apps). */
const UI = 'ui://'
const UI_FORM = /^ui:\/\/patchbay\+([A-Za-z0-9_-]+)\/([\s\S]*)$/
/** The template of everything: what an upstream has and does not list. */
const ANYTHING = '{+uri}'

/**
 * The URI of an upstream's resource where it could be taken for another upstream's, or for nobody's.
 * Also makes a template of a template.
 */
export function placedUri(upstream: string, uri: string): string {
  return uri.startsWith(UI)
    ? `${UI}patchbay+${upstream}/${uri.slice(UI.length)}`
    : `patchbay+${upstream}:${uri}`
}

/** The upstream and its own URI in a placed one; `undefined` for any other. */
export function readPlaced(uri: string): { upstream: string; own: string } | undefined {
  const ui = UI_FORM.exec(uri)
  const [, upstream, own] = ui ?? FORM.exec(uri) ?? []
  if (upstream === undefined || own === undefined) return undefined
  return { upstream, own: ui === null ? own : UI + own }
}

/** The resources that a server has and does not list: an entry, so that plugins can judge it like any other. */
export function unlisted(): ListedEntry<'template'> {
  const definition = { uriTemplate: ANYTHING, name: 'Resources that the server does not list' }
  return { kind: 'template', definition, text: JSON.stringify(definition) }
}

/** What such an entry is called. */
export function unlistedName(upstream: string): string {
  return placedUri(upstream, ANYTHING)
}

/** Whether an entry stands for what its server does not list; it is in no list either. */
export function isUnlisted({ kind, targets }: Entry): boolean {
  return (
    kind === 'template' &&
    targets.length > 0 &&
    targets.every(({ upstream, name }) => upstream !== '' && name === ANYTHING)
  )
}

/** What an upstream's resource, template or anything else of it is called by before anybody collides. */
export function uriName(upstream: string, uri: string): string {
  // What reads like another upstream's would be read in its place.
  return uri === ANYTHING || readPlaced(uri) !== undefined ? placedUri(upstream, uri) : uri
}

/** The upstream's own URI of what is read. @param uri as the client asked for it */
export function ownUri({ kind }: Entry, { upstream, name }: Target, uri: string): string {
  if (kind === 'resource') return name
  const placed = readPlaced(uri)
  return placed?.upstream === upstream ? placed.own : uri
}
