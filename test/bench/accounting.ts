/** What the system says that processes have used. Read from /proc; null where there is none. */

import { readdirSync, readFileSync } from 'node:fs'

/** CPU time so far of a process and its descendants, each by its id, microseconds. */
export type CpuTimes = ReadonlyMap<number, number>

/**
 * CPU time a process has used so far, all its threads, microseconds; null where the kernel does not
 * tell. From the scheduler's own nanoseconds: `/proc/<pid>/stat` counts in steps of 10 ms, a tenth of what
 * is measured at a time. Exact while the process sleeps.
 */
export function cpuTime(pid: number): number | null {
  try {
    return threads(pid).reduce((sum, thread) => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1')
      return sum + Number.parseInt(stat, 10) / 1000
    }, 0)
  } catch {
    return null
  }
}

/** The same with all its descendants that are there; null where the kernel does not tell. */
export function cpuOf(pid: number): CpuTimes | null {
  const times = new Map<number, number>()
  for (const one of family(pid)) {
    const time = cpuTime(one)
    if (time !== null) times.set(one, time)
  }
  return times.has(pid) ? times : null
}

/** What was used between two readings, microseconds. A process that ended in between is not counted. */
export function cpuSpent(
  before: CpuTimes | null | undefined,
  after: CpuTimes | null,
): number | null {
  if (before == null || after === null) return null
  let sum = 0
  for (const [pid, time] of after) sum += time - (before.get(pid) ?? 0)
  return sum
}

/** Resident memory of a process and its descendants, bytes; null where the kernel does not tell. */
export function memoryOf(pid: number): number | null {
  try {
    return family(pid).reduce((sum, one) => {
      const status = readFileSync(`/proc/${one}/status`, 'latin1')
      return sum + Number(/^VmRSS:\s*(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024
    }, 0)
  } catch {
    return null
  }
}

/** A process and its descendants; alone where the kernel does not list children. */
function family(pid: number): number[] {
  try {
    const children = threads(pid).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' ').filter(Boolean),
    )
    return [pid, ...children.flatMap((child) => family(Number(child)))]
  } catch {
    return [pid]
  }
}

function threads(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`)
}
