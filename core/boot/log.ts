import { type Logger, pino, stdTimeFunctions } from 'pino'
import type { LogLevel } from './settings.ts'

export type { Logger } from 'pino'

const SECRETS = ['authorization', 'cookie', 'x-api-key', 'mcp-session-id', 'password', 'token']

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
  /** Takes each line in place of stdout. */
  readonly show?: ((line: LogLine) => void) | undefined
}

/** Makes the gateway's log: one JSON object per line, credentials blanked wherever they stand by name. */
export function makeLog({ level, show }: LogOptions): Logger {
  const options = {
    level,
    base: { name: 'patchbay' },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: SECRETS.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]),
      censor: '[redacted]',
    },
  }
  if (show === undefined) return pino(options)
  return pino(options, { write: (text: string) => show(JSON.parse(text)) })
}
