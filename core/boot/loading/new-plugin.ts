import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GatewayError } from '../../hooks/errors.ts'
import { gatewayVersion } from '../version.ts'
import { bundledPlugins } from './loader.ts'

/** What the template calls itself, and its folder. */
const PLACEHOLDER = 'my-plugin'
/** What it writes for the version of the gateway it is made with. */
const GATEWAY = 'gateway-version'
const TEMPLATE = fileURLToPath(new URL(`../../../sdk/template/${PLACEHOLDER}`, import.meta.url))

/** Names in the template that are others in a plugin. A `package.json` there would hide the gateway's own. */
const NAMES: Readonly<Record<string, (name: string) => string>> = {
  '_package.json': () => 'package.json',
  'index.test.ts': (name) => `${name}.test.ts`,
}

/**
 * Writes the template of a plugin under another name.
 * @returns the files, by name
 * @throws GatewayError, before anything is written, for a name that is none and files that exist
 */
export function writePlugin(name: string, folder: string): string[] {
  if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(name)) {
    const hint = 'Use lower case and dashes, for example `quiet-hours`.'
    throw refusal('PLUGIN_NAME', `${name} is no name for a plugin`, hint)
  }
  if (bundledPlugins().includes(name)) {
    throw refusal('PLUGIN_NAME', `a bundled plugin is called ${name}`, 'Choose another name.')
  }
  const files = readdirSync(TEMPLATE, { withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => ({
      name: NAMES[one.name]?.(name) ?? one.name,
      text: readFileSync(join(TEMPLATE, one.name), 'utf8')
        .replaceAll(PLACEHOLDER, name)
        .replaceAll(GATEWAY, gatewayVersion()),
    }))
    .sort((a, b) => a.name.localeCompare(b.name))
  const taken = files.filter((one) => existsSync(join(folder, one.name)))
  if (taken.length > 0) {
    const names = taken.map((one) => one.name).join(', ')
    const hint = 'Nothing was written. Name another folder, or move them away.'
    throw refusal('FILE_EXISTS', `${folder} already holds ${names}`, hint)
  }
  mkdirSync(folder, { recursive: true })
  // `wx`: a file that has appeared meanwhile is not overwritten either.
  for (const { name: file, text } of files) writeFileSync(join(folder, file), text, { flag: 'wx' })
  return files.map((one) => one.name)
}

function refusal(code: string, reason: string, hint: string): GatewayError {
  return new GatewayError([{ code, reason, hint }])
}
