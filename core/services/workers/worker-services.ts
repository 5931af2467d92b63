import type { Bus, KeyValue, Lock, Metric } from '../../../sdk/index.ts'
import type { Wheel } from '../../hooks/wheel.ts'
import { lineBus } from '../line-services.ts'
import type { MetricsStore } from '../metrics-store.ts'
import type { Channel } from './channel.ts'
import { Crew } from './crew.ts'
import type { HubFrame, WorkerFrame } from './frames.ts'
import { KeptMetrics } from './kept-metrics.ts'
import { mergedMetrics } from './merged-metrics.ts'
import { WorkerBus } from './worker-bus.ts'
import { WorkerKeyValue } from './worker-key-value.ts'
import { WorkerLink } from './worker-link.ts'
import { WorkerLock } from './worker-lock.ts'

/** Where workers ask each other, and keep, what concerns all of them; no plugin line has a dollar sign in its id. */
const CREW_LINE = '$crew'

/** A worker's place among the others, and its way to the primary. */
export interface WorkerPlace {
  /** 0 … `count` − 1. */
  readonly slot: number
  readonly count: number
  /** This process's id on the bus, as the primary knows it. */
  readonly replica: string
  readonly channel: Channel<WorkerFrame, HubFrame>
}

/** What a worker's services are made of besides. */
export interface WorkerParts {
  readonly wheel: Wheel
  /** Told of what a plugin's listener throws where nobody waits for it. */
  fault(cause: unknown, where: string): void
}

/** The services that workers share: the primary keeps what they hold and takes messages from one to the other. */
export class WorkerServices {
  readonly crew: Crew
  readonly bus: Bus
  readonly lock: Lock
  readonly #link: WorkerLink

  constructor({ slot, count, replica, channel }: WorkerPlace, { wheel, fault }: WorkerParts) {
    this.#link = new WorkerLink(channel)
    this.bus = new WorkerBus(replica, this.#link, wheel, (cause, topic) =>
      fault(cause, `bus ${topic}`),
    )
    this.lock = new WorkerLock(this.#link)
    this.crew = new Crew(slot, count, lineBus(this.bus, CREW_LINE), () => this.#link.peers)
  }

  /** What is kept for one plugin line. */
  keyValue(line: string): KeyValue {
    return new WorkerKeyValue(this.#link, line)
  }

  /** From now on each worker tells the numbers of all. */
  joinMetrics(store: MetricsStore): void {
    const { crew } = this
    const kept = new KeptMetrics(this.keyValue(CREW_LINE), crew.slot)
    crew.answer('metrics', () => kept.keep(store.read()))
    store.joined = async (own) => {
      kept.keep(own)
      const others = (await crew.ask('metrics', null)) as readonly MetricsAnswer[]
      const silent = others.flatMap(({ slot, value }) => (value === undefined ? slot : []))
      return mergedMetrics(own, crew.slot, others, await kept.past(silent))
    }
  }

  /** The primary is gone: whatever was asked of it fails. */
  close(): void {
    this.#link.close()
  }
}

type MetricsAnswer = { readonly slot: number; readonly value?: readonly Metric[] }
