#!/usr/bin/env node
import { enableCompileCache } from 'node:module'

// Before anything else is loaded, so that everything else is cached: imports below are dynamic.
enableCompileCache()
const { run } = await import('./command-line.ts')
process.exitCode = await run(process.argv.slice(2))
