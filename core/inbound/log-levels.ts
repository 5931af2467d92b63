import type { Maybe } from '../../sdk/index.ts'
import { isPromise } from '../hooks/hooks.ts'
import { CODE, LOG_LEVELS } from '../wire/protocol.ts'
import type { Replies, Reply } from './replies.ts'
import type { Session } from './session.ts'
import type { Sessions } from './sessions.ts'

/** From which level on each handshake session wants its servers' log messages (MCP, `logging/setLevel`). */
export class LogLevels {
  readonly #sessions: Pick<Sessions, 'remember'>

  constructor(sessions: Pick<Sessions, 'remember'>) {
    this.#sessions = sessions
  }

  /** logging/setLevel. Answered when the level is kept. */
  set(session: Session, level: unknown, replies: Replies): Maybe<Reply> {
    if (typeof level !== 'string' || !LOG_LEVELS.includes(level)) {
      const reason = `Invalid params: \`level\` must be one of ${LOG_LEVELS.join(', ')}`
      return replies.error(200, CODE.invalidParams, reason)
    }
    const kept = this.#sessions.remember(session, { level })
    const done = () => replies.result('legacy', '')
    return isPromise(kept) ? kept.then(done) : done()
  }

  /** `undefined` for a session that has asked for none: it gets none. */
  of({ state }: Session): string | undefined {
    return state.level
  }
}
