import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import type { AdminClient } from '../admin/admin-client.ts'
import { isRecord } from '../config/schema-walk.ts'
import { CommandError } from './command-error.ts'
import type { Terminal } from './terminal.ts'

/** What the commands of `patchbay` are added to. */
export interface CommandHost {
  readonly program: Command
  readonly terminal: Terminal
  /**
   * Runs one command's work and tells what goes wrong. Never rejects.
   * @param file the config file; the default one when left out
   */
  attempt(
    json: boolean,
    file: string | undefined,
    work: (file: string) => Promise<void>,
  ): Promise<void>
}

/** Options that every command has. */
export interface CommonOptions {
  readonly json?: boolean
}

/** Where config files are looked for, in this order. */
export const DEFAULT_FILES: readonly string[] = ['patchbay.yaml', 'config/patchbay.yaml']

/** The config file that was meant; `undefined` when none is named and none is here. */
export function fileOf(given: string | undefined): string | undefined {
  return given ?? DEFAULT_FILES.find((one) => existsSync(one))
}

/** What to say when there is none. */
export function noFile(): CommandError {
  return new CommandError({
    code: 'CONFIG_UNREADABLE',
    reason: `there is no config file here: neither ${DEFAULT_FILES.join(' nor ')}`,
    hint: 'Name one: `patchbay start <file>`.',
  })
}

/** The description of the argument `[file]`. */
export const FILE = `the config file (default: ${DEFAULT_FILES.join(', else ')})`

/** The description of the option `--json`. */
export const JSON_OPTION = 'write JSON'

/** The gateway that runs with a config file. @throws GatewayError (as a rejection) when there is none */
export async function gatewayOf(file: string): Promise<AdminClient> {
  const { findGateway } = await import('../admin/admin-client.ts')
  return findGateway(file)
}

/** Writes an answer: as JSON, or in words. */
export function printer(
  terminal: Terminal,
): (json: boolean, value: unknown, inWords: () => readonly string[]) => void {
  return (json, value, inWords) => {
    if (json) terminal.out(JSON.stringify(value))
    else for (const line of inWords()) terminal.out(line)
  }
}

/** A JSON object from the command line. @throws CommandError for anything else */
export function readObject(text: string, place: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  if (isRecord(value)) return value
  throw new CommandError({
    code: 'ARGUMENTS',
    path: place,
    reason: 'is not a JSON object',
    hint: `Quote it for your shell: '{"name":"value"}'.`,
  })
}
