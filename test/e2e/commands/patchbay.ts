import { join } from 'node:path'
import { run } from '../../../core/boot/commands/command-line.ts'
import type { RunningGateway } from '../../fixtures/gateway.ts'

/** How a command ended. */
export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs one command of `patchbay`. */
export async function patchbay(...args: string[]): Promise<Ended> {
  const out: string[] = []
  const err: string[] = []
  const code = await run(args, { out: (line) => out.push(line), err: (line) => err.push(line) })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

/** The config file of a test's gateway. */
export function fileOf({ folder }: RunningGateway): string {
  return join(folder, 'patchbay.yaml')
}
