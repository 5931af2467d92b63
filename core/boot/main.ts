#!/usr/bin/env node
import module from 'node:module'
import { setFlagsFromString } from 'node:v8'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 19)) {
  console.error(`patchbay needs Node.js 22.19 or newer, and this is ${process.versions.node}.`)
  process.exit(1)
}
// Once many streams are open, V8 takes what a call makes for long-lived too and puts it where only full collections
// look: measured with 10,000 streams, each call cost a third more. Before the cache, whose key holds all flags.
setFlagsFromString('--no-allocation-site-pretenuring')
// Before anything else is loaded, so that everything else is cached: imports below are dynamic.
module.enableCompileCache()
const { outliveReaders } = await import('./commands/terminal.ts')
outliveReaders()
const { run } = await import('./commands/command-line.ts')
process.exitCode = await run(process.argv.slice(2))
