/**
 * Runs every test, or those in the files that are named, as `npm test` does: each file in a process of its own. What
 * these compile is kept between them and between runs: it was a fifth of the whole time.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { ROOT } from './plugins.ts'

const ALL = ['test/**/*.test.ts', 'plugins/**/*.test.ts', 'sdk/**/*.test.ts']
const named = process.argv.slice(2)

const { status } = spawnSync(
  process.execPath,
  ['--test', '--test-timeout', '120000', ...(named.length === 0 ? ALL : named)],
  {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, NODE_COMPILE_CACHE: join(ROOT, 'node_modules', '.cache', 'patchbay') },
  },
)
process.exit(status ?? 1)
