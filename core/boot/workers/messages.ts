import type { UpstreamStatus } from '../../../sdk/index.ts'
import type { Problem } from '../../hooks/errors.ts'
import type { HubFrame, WorkerFrame } from '../../services/workers/frames.ts'
import type { ConfigRecord } from '../config/config-disk.ts'
import type { LogLine } from '../log.ts'

/** What a worker is begun with. By message, never by environment: what a worker starts inherits none of it. */
export interface Begin {
  /** The config file. */
  readonly file: string
  /** What it was read from. */
  readonly record: ConfigRecord
  readonly slot: number
  readonly count: number
  /** Its id on the bus. */
  readonly replica: string
  /** To seal with. */
  readonly keys: readonly string[]
  /** Whether people read the log: the primary writes it then. */
  readonly pretty: boolean
}

/** What a worker serves, once it does. */
export interface Listening {
  readonly url: string
  /** Of the one that has the admin door. */
  readonly adminUrl?: string
  readonly plugins: readonly string[]
  /** Plugin lines in shadow. */
  readonly shadow: readonly string[]
  readonly upstreams: Readonly<Record<string, UpstreamStatus>>
}

/** From the primary to a worker. */
export type ToWorker =
  | { readonly kind: 'begin'; readonly begin: Begin }
  | { readonly kind: 'stop' }
  | { readonly kind: 'frames'; readonly frames: readonly HubFrame[] }

/** From a worker to the primary. */
export type ToPrimary =
  | { readonly kind: 'listening'; readonly listening: Listening }
  /** It cannot start: `problems` of a config or plugin, or what was thrown. */
  | {
      readonly kind: 'failed'
      readonly problems: readonly Problem[] | undefined
      readonly message: string
    }
  | { readonly kind: 'line'; readonly line: LogLine }
  | { readonly kind: 'upstream'; readonly upstream: string; readonly state: UpstreamStatus }
  | { readonly kind: 'stopped'; readonly cut: number }
  | { readonly kind: 'frames'; readonly frames: readonly WorkerFrame[] }
