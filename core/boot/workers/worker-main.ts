import module from 'node:module'

// The process group gets a terminal's SIGINT: the primary takes it, and says what follows.
process.on('SIGINT', () => {})
module.enableCompileCache()
const { outliveReaders } = await import('../commands/terminal.ts')
outliveReaders()
const { runWorker } = await import('./worker.ts')
await runWorker()
