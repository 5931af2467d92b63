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

/**
 * Lets a reader that has seen enough (`| head`) end a command without a word. A gateway runs on: who reads its
 * output is not who needs it.
 */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      if (process.listenerCount('SIGTERM') === 0) process.exit()
    })
  }
}
