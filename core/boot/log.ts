import { type Logger, pino, stdTimeFunctions } from 'pino'
import type { Secrets } from '../../sdk/index.ts'
import type { LogLevel } from './config/settings.ts'

export type { Logger } from 'pino'

const SECRET_NAMES = ['authorization', 'cookie', 'x-api-key', 'mcp-session-id', 'password', 'token']

/** What a line of the log holds besides its own fields. */
export interface LogLine {
  readonly level: string
  readonly time: string
  readonly msg?: string
  readonly [field: string]: unknown
}

/** How a log is made. */
export interface LogOptions {
  /** The least important lines to write. */
  readonly level: LogLevel
  /** What no line may tell. */
  readonly secrets?: Secrets | undefined
  /** Which of several workers writes. */
  readonly worker?: number
  /** Whether lines go to stderr in place of stdout. */
  readonly stderr?: boolean
  /** Takes each line in place of stdout. */
  readonly show?: ((line: LogLine) => void) | undefined
}

/**
 * Makes the gateway's log: one JSON object per line, credentials blanked wherever they stand by name, and
 * known secrets wherever they stand.
 */
export function makeLog({ level, secrets, show, worker, stderr = false }: LogOptions): Logger {
  const options = {
    level,
    ...(secrets === undefined
      ? {}
      : { hooks: { streamWrite: (text: string) => secrets.redact(text) } }),
    base: { name: 'patchbay', ...(worker === undefined ? {} : { worker }) },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: SECRET_NAMES.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]),
      censor: '[redacted]',
    },
  }
  if (show === undefined) return stderr ? pino(options, pino.destination(2)) : pino(options)
  return pino(options, { write: (text: string) => show(JSON.parse(text)) })
}
