import type { Bus } from '../../sdk/index.ts'
import type { Wheel } from '../hooks/wheel.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Sealer, Shapes } from '../kernel/ports.ts'
import type { Subscriptions } from '../kernel/subscriptions.ts'
import type { Implementation } from '../wire/protocol.ts'
import type { RefusedRequest } from './gate.ts'
import { failed } from './hook-failure.ts'
import { InFlight } from './in-flight.ts'
import { LegacyEra } from './legacy-era.ts'
import { LogLevels } from './log-levels.ts'
import { ModernEra } from './modern.ts'
import { OpenCalls } from './open-calls.ts'
import { OpenStreams } from './open-streams.ts'
import { Operations } from './operations.ts'
import { Pages } from './pages.ts'
import type { PipeHost } from './pipe/pipe-client.ts'
import { Questions } from './questions.ts'
import { Replies } from './replies.ts'
import { ResumableStreams } from './resumable-streams.ts'
import { ResumeRelay } from './resume-relay.ts'
import type { Session, SessionState } from './session.ts'
import { SessionNewsRelay } from './session-news-relay.ts'
import { SessionSubscriptions } from './session-subscriptions.ts'
import { type SessionStore, Sessions } from './sessions.ts'
import type { ListenConfig } from './settings.ts'
import { respond, type WireParts } from './wire.ts'

/** What the client's side is made of, however clients come in. */
export interface ErasParts {
  readonly kernel: Kernel
  readonly listen: ListenConfig
  readonly us: Implementation
  readonly showPlugin: boolean
  /** Entries on a page of a list. */
  readonly pageSize: number
  /** What eras say differently. */
  readonly shapes: Shapes
  readonly wheel: Wheel
  readonly sealer: Sealer
  readonly subscriptions: Subscriptions
  readonly sessions: SessionStore
  /** Between replicas. */
  readonly bus: Bus
  /** Whether there are other replicas, or may be. */
  readonly replicas: boolean
  /** How many processes divide what may be remembered; 1 unless the gateway has several. */
  readonly workers: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Makes the ids of requests. */
  readonly nextId: () => string
  /** Told of every request that is not let in. */
  readonly refused: (request: RefusedRequest) => void
  /** Told of what made a request fail: a throw in the gateway's own code, or a HookError. */
  readonly fault: (cause: unknown, requestId: string) => void
}

/** What the session of a pipe has said is forgotten with it, and no other replica needs to hear of it. */
const PIPE_MEMORY = {
  remember(session: Session, change: SessionState): void {
    session.state = { ...session.state, ...change }
  },
}

/** Both eras, and what they share with the wires. */
export class Eras {
  readonly modern: ModernEra
  readonly legacy: LegacyEra
  readonly shared: WireParts
  /** Those that a header names. */
  readonly sessions: Sessions
  /** For clients on pipes: a stream among everything else on a pipe is not counted as one. */
  readonly pipes: PipeHost
  /** To replicas that remember a stream that a client comes back for here. */
  readonly relay: ResumeRelay | undefined
  readonly #pipeStreams = new OpenStreams(Number.POSITIVE_INFINITY)

  constructor(parts: ErasParts) {
    const { kernel, listen, us, showPlugin, shapes, wheel, now, nextId, fault } = parts
    const replies = new Replies({ us, showPlugin, shapes, differ: kernel.answersDiffer })
    const questions = new Questions({ wheel, nextId, holds: kernel.holds, bus: parts.bus })
    const inFlight = new InFlight()
    const sessions = new Sessions({
      sealer: parts.sealer,
      store: parts.sessions,
      bus: parts.bus,
      limits: listen.sessions,
      now,
      fault: (cause) => fault(cause, ''),
    })
    const levels = new LogLevels(sessions)
    const calls = new OpenCalls()
    const owner = parts.replicas ? parts.bus.replica : undefined
    const pages = new Pages(parts.pageSize, shapes)
    const shared: WireParts = {
      kernel,
      operations: new Operations(kernel, replies, questions, levels, pages, parts.subscriptions),
      replies,
      wheel,
      subscriptions: parts.subscriptions,
      inFlight,
      now,
      streams: new OpenStreams(listen.streams),
      resumables: new ResumableStreams({ wheel, inFlight, workers: parts.workers, owner }),
      crashed: (arrival, message, cause) => {
        const { requestId } = arrival
        fault(cause, requestId)
        const context = { era: 'modern', requestId, status: false } as const
        arrival.break(respond(message, replies.refusal(failed(cause), context)))
      },
    }
    const piped = { ...shared, streams: this.#pipeStreams }
    this.shared = shared
    this.modern = new ModernEra(shared)
    const subscribed = new SessionSubscriptions(shared, sessions)
    const told = owner === undefined ? undefined : new SessionNewsRelay(parts.bus, calls, shared)
    this.legacy = new LegacyEra(shared, questions, levels, subscribed, calls, us, told)
    this.relay =
      owner === undefined
        ? undefined
        : new ResumeRelay(parts.bus, parts.sealer, shared, this.legacy)
    sessions.onEnded = (nonce) => this.legacy.ended(nonce)
    sessions.onChanged = (session) => subscribed.changed(session)
    this.sessions = sessions
    const updates = new SessionSubscriptions(piped, PIPE_MEMORY)
    this.pipes = {
      legacy: new LegacyEra(piped, questions, new LogLevels(PIPE_MEMORY), updates, calls, us),
      modern: new ModernEra(piped),
      calls,
      questions,
      replies,
      inFlight,
    }
  }

  /**
   * Ends open streams with their final result. Resolves when the last call in flight was answered, and
   * that answer has left.
   */
  async drain(): Promise<void> {
    const { inFlight, streams } = this.shared
    inFlight.drain()
    this.relay?.end()
    await Promise.all([streams.end(), this.#pipeStreams.end()])
    await inFlight.idle()
  }
}
