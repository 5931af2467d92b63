/** Resolves with the first SIGTERM or SIGINT; a second one ends the process at once. */
export function firstSignal(): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false
    const take = (): void => {
      if (stopping) process.exit(1)
      stopping = true
      resolve()
    }
    process.on('SIGTERM', take)
    process.on('SIGINT', take)
  })
}
