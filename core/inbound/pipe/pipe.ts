/** One connection over which everything that one client is told goes out, message by message. */
export interface Pipe {
  /** As events name it. */
  readonly wire: 'sse' | 'stdio'
  /** Nobody is at the other end any more. */
  readonly gone: boolean
  /** Whether the client reads what it is sent. One that does not is told no more than it must be. */
  readonly keepsUp: boolean
  /** Sends a message however slowly the client reads. @param left called once it has left, or never will */
  write(json: string, left?: () => void): void
  /** Calls back once everything sent so far has left, or never will. */
  flushed(told: () => void): void
}
