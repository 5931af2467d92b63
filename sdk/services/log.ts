import { type Token, token } from '../token.ts'

/** The plugin's own log: every line carries the plugin's id. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
/** The service of that name. */
export const Log: Token<Log> = token<Log>('Log')
