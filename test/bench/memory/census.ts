/**
 * Loaded into a measured process by `--import`, with `--expose-gc`: answers each message over IPC with what
 * the process holds once everything that can go has gone.
 */
import { readFileSync } from 'node:fs'
import { writeHeapSnapshot } from 'node:v8'
import type { Census, CensusOrder } from './measured.ts'

/** What still has to be closed is closed by then. */
const TURNS = 5

async function census({ snapshot }: CensusOrder): Promise<Census> {
  for (let turn = 0; turn < TURNS; turn++) {
    globalThis.gc?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  const resources: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1
  if (snapshot !== undefined) writeHeapSnapshot(snapshot)
  return { heap: heapUsed, external, rss, resources, children: children() }
}

function children(): number {
  try {
    const listed = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'latin1')
    return listed.split(' ').filter((pid) => pid.trim() !== '').length
  } catch {
    return 0
  }
}

process.on('message', (order: CensusOrder) => {
  if (order.census !== true) return
  census(order).then((found) => process.send?.({ census: found }))
})
// It must not keep the process alive by itself.
process.channel?.unref()
process.once('disconnect', () => process.exit())
