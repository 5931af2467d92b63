import type { Log } from '../index.ts'

/** One line a plugin logged. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  /** The id of the plugin line. */
  readonly plugin: string
  readonly fields: object
  readonly message: string
}

/** A log that keeps its lines in `lines` instead of printing them. */
export function recordingLog(plugin: string, lines: LogLine[]): Log {
  const at = (level: LogLine['level']) => (fields: object, message: string) => {
    lines.push({ level, plugin, fields, message })
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
