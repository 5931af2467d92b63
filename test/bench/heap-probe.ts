/**
 * Loaded before what is measured: tells over IPC how large the heap is after a collection. Nothing runs until it
 * is asked, and the channel keeps no process alive.
 */
import cluster from 'node:cluster'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** What asks for the heap's size, and the name under which the answer comes. */
export const HEAP = 'heap'

/** A worker's channel is its primary's, and all that keeps it running. */
const mine = cluster.isPrimary

process.on('message', (message) => {
  if (message !== HEAP || !mine) return
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  process.send?.({ [HEAP]: process.memoryUsage().heapUsed })
})
if (mine) process.channel?.unref()
