import { dirname, resolve } from 'node:path'
import { GatewayError, messageOf } from '../../hooks/errors.ts'
import { CommandError } from '../commands/command-error.ts'
import { shownPath } from '../config/config-file.ts'
import { ConfigTree } from '../config/config-tree.ts'
import { isRecord } from '../config/schema-walk.ts'
import { type AdminAddress, readAdminFiles } from './admin-files.ts'
import { isRunning, isSameFile } from './occupant.ts'

/** A running gateway, asked through its admin door. */
export class AdminClient {
  readonly #address: AdminAddress
  readonly #file: string

  /** @param file the gateway's config file, for messages */
  constructor(address: AdminAddress, file: string) {
    this.#address = address
    this.#file = file
  }

  /**
   * Sends a request.
   * @returns the JSON of the answer
   * @throws GatewayError when the gateway does not answer, or answers with a problem
   */
  async ask(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> {
    const { url, token } = this.#address
    let response: Response
    try {
      response = await fetch(`${url}${path}`, {
        method,
        redirect: 'error',
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
    } catch (cause) {
      throw notRunning(this.#file, `${url} does not answer: ${reason(cause)}`)
    }
    const value: unknown = await response.json().catch(() => undefined)
    if (response.ok && value !== undefined) return value
    const { code, detail } = (isRecord(value) ? value : {}) as { code?: string; detail?: string }
    throw new CommandError({
      code: code ?? 'ADMIN_ANSWER',
      reason: detail ?? `${url} answered ${response.status} and nothing to read`,
    })
  }
}

/**
 * Finds the gateway that runs with a config file. Reads of it only what that takes: settings that miss
 * their environment variables here do not matter.
 * @throws GatewayError (as a rejection) when none runs, it runs another file, or it has no admin door
 */
export async function findGateway(
  file: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<AdminClient> {
  const tree = new ConfigTree(resolve(file), env)
  const problems = tree.problems(([top]) => top !== 'admin' && top !== 'data')
  const ours = problems.filter(({ code, path }) => tree.broken || isOurs(code, path))
  if (ours.length > 0) throw new GatewayError(ours)
  const { admin, data = './data' } = tree.value
  if (admin === false || admin === 'false') {
    throw new CommandError({
      code: 'ADMIN_OFF',
      where: shownPath(file),
      path: 'admin',
      reason: 'the admin door is switched off',
      hint: 'Take `admin: false` out and start the gateway again.',
    })
  }
  const folder = resolve(dirname(resolve(file)), String(data))
  const address = readAdminFiles(folder)
  if (address === undefined) throw notRunning(file, `${shownPath(folder)} holds no admin.json`)
  const { config } = address
  if (config === undefined || isSameFile(config, file)) return new AdminClient(address, file)
  if (!(await isRunning(address))) {
    throw notRunning(file, `one ran ${shownPath(config)} with the same data, and is gone`)
  }
  throw new CommandError({
    code: 'OTHER_GATEWAY',
    where: shownPath(file),
    path: 'data',
    reason: `the gateway that runs with ${shownPath(folder)} runs ${shownPath(config)}`,
    hint: 'Name that file, or give this one a `data` folder of its own and start it.',
  })
}

/** Whether an error says that no gateway runs. */
export function isNotRunning(error: unknown): boolean {
  return error instanceof GatewayError && error.problems[0]?.code === 'NOT_RUNNING'
}

function notRunning(file: string, why: string): CommandError {
  return new CommandError({
    code: 'NOT_RUNNING',
    where: shownPath(file),
    reason: `no gateway runs with this file (${why})`,
    hint: `Start it: \`patchbay start ${shownPath(file)}\`.`,
  })
}

function isOurs(code: string, path: string | undefined): boolean {
  return code !== 'CONFIG_INCLUDE' && /^(?:admin|data)\b/.test(path ?? '')
}

function reason(cause: unknown): string {
  const { cause: inner } = cause as { cause?: unknown }
  return messageOf(inner ?? cause)
}
