/** Where the command line writes. */
export interface Terminal {
  /** One line of output. */
  out(line: string): void
  /** One line about something that is wrong. */
  err(line: string): void
}

/** The terminal this process was started from. */
export const PROCESS: Terminal = {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
}
