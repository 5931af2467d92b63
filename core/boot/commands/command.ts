import type { Command } from 'commander'
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

/** The description of the argument `[file]`. */
export const FILE = `the config file (default: ${DEFAULT_FILES.join(', else ')})`

/** The description of the option `--json`. */
export const JSON_OPTION = 'write JSON'
