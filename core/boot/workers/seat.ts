import type { WorkerParts, WorkerServices } from '../../services/workers/worker-services.ts'
import type { GatewayConfig } from '../config/settings.ts'

/** What makes a gateway one of several workers. */
export interface WorkerSeat {
  /** Which of them, from 0. Number 0 opens the admin door. */
  readonly slot: number
  /** How many there are. */
  readonly count: number
  /** The keys to seal with: one process has read or made them for all. */
  readonly keys: readonly string[]
  /** The process that operators signal: the primary's. */
  readonly pid: number
  /** Joins the others. */
  services(parts: WorkerParts): WorkerServices
}

/**
 * A worker's share of what is counted in its memory: whatever the config allows, the workers together do not
 * exceed it, except that each may have one.
 */
export function shareOf(config: GatewayConfig, workers: number): GatewayConfig {
  const { listen, upstreams } = config
  return {
    ...config,
    listen: {
      ...listen,
      streams: shared(listen.streams, workers),
      subscriptions: shared(listen.subscriptions, workers),
    },
    upstreams: upstreams.map((upstream) => {
      return { ...upstream, maxSessions: shared(upstream.maxSessions, workers) }
    }),
  }
}

/** One worker's part of a bound, at least 1. */
export function shared(most: number, workers: number): number {
  return Math.max(1, Math.floor(most / workers))
}
