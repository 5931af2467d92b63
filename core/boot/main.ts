#!/usr/bin/env node
import module from 'node:module'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 19)) {
  console.error(`patchbay needs Node.js 22.19 or newer, and this is ${process.versions.node}.`)
  process.exit(1)
}
// Before anything else is loaded, so that everything else is cached: imports below are dynamic.
module.enableCompileCache()
const { outliveReaders } = await import('./commands/terminal.ts')
outliveReaders()
const { run } = await import('./commands/command-line.ts')
process.exitCode = await run(process.argv.slice(2))
