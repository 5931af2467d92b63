import type { Wheel } from '../hooks/wheel.ts'
import { isObject } from '../wire/json.ts'
import { LOG_LEVELS } from '../wire/protocol.ts'
import type { Link, Message } from './link.ts'
import { DEAF } from './message.ts'

/** How long a server's word on its level is waited for, in milliseconds. */
const PATIENCE = 3_000

/** Whether a server's log message is at least of the level that its call wants. */
export function isWanted({ value: { params } }: Message, wanted: string): boolean {
  const level = isObject(params) ? LOG_LEVELS.indexOf(params.level as string) : -1
  return level >= LOG_LEVELS.indexOf(wanted)
}

type Headers = Readonly<Record<string, string>> | undefined

interface LinkLevel {
  readonly rank: number
  /** Until the server has said so. */
  setting: Promise<void> | undefined
}

/**
 * The levels of handshake links: each server session has one for all calls. The most verbose that a call
 * has wanted stays; what others did not want is left out on the way to them.
 */
export class LinkLevels {
  readonly #wheel: Wheel
  readonly #levels = new WeakMap<Link, LinkLevel>()

  constructor(wheel: Wheel) {
    this.#wheel = wheel
  }

  /** Resolves when the server logs from that level on, or will not, or does not say; `undefined` when it already does. */
  raise(link: Link, level: string, headers: Headers): Promise<void> | undefined {
    const { era, capabilities } = link.facts
    if (era === 'modern' || !isObject(capabilities.logging)) return undefined
    const rank = LOG_LEVELS.indexOf(level)
    const known = this.#levels.get(link)
    if (rank < 0 || (known !== undefined && known.rank <= rank)) return known?.setting
    const own: LinkLevel = { rank, setting: undefined }
    const setting = new Promise<void>((resolve) => {
      const params = `"level":${JSON.stringify(level)}`
      const over = () => {
        this.#wheel.remove(late)
        own.setting = undefined
        resolve()
      }
      const late = this.#wheel.after(PATIENCE, () => {
        // Calls matter more than logs; and a link that is left must not wait for this one.
        ticket.cancel('timeout')
        own.setting = undefined
        resolve()
      })
      const ticket = link.send(
        { method: 'logging/setLevel', params, meta: '', progress: false, headers },
        { answered: over, ...DEAF, lost: over },
      )
    })
    own.setting = setting
    this.#levels.set(link, own)
    return setting
  }
}
