import { Wheel } from '../../../../core/hooks/wheel.ts'
import { Hub } from '../../../../core/services/workers/hub.ts'
import { WorkerBus } from '../../../../core/services/workers/worker-bus.ts'
import { WorkerKeyValue } from '../../../../core/services/workers/worker-key-value.ts'
import { WorkerLink } from '../../../../core/services/workers/worker-link.ts'
import { WorkerLock } from '../../../../core/services/workers/worker-lock.ts'
import type { Bus, KeyValue, Lock } from '../../../../sdk/index.ts'
import { FakeClock } from '../../../../sdk/testing/clock.ts'
import { channelPair } from '../../../fixtures/channel-pair.ts'

/** A worker's services. */
export interface CrewMember {
  readonly link: WorkerLink
  readonly bus: Bus
  readonly lock: Lock
  keyValue(line: string): KeyValue
  /** It dies: the hub hears of it. */
  die(): void
}

/** Several workers and their hub, in one process. */
export function crew(count: number): { clock: FakeClock; members: CrewMember[]; hub: Hub } {
  const clock = new FakeClock()
  const hub = new Hub(clock, new Wheel(clock))
  const members = Array.from({ length: count }, (_, slot): CrewMember => {
    const { worker, primary } = channelPair()
    const link = new WorkerLink(worker)
    const replica = `worker-${slot}`
    const die = hub.join({ slot, replica, pid: slot + 1 }, primary)
    return {
      link,
      bus: new WorkerBus(replica, link, new Wheel(clock), () => {}),
      lock: new WorkerLock(link),
      keyValue: (line) => new WorkerKeyValue(link, line),
      die,
    }
  })
  return { clock, members, hub }
}

/** Resolves when what was sent has arrived, and was answered. */
export async function turns(): Promise<void> {
  for (let i = 0; i < 8; i++) await new Promise(setImmediate)
}
