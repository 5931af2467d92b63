import type { UpstreamStatus } from '../../../sdk/index.ts'
import type { AdminWork } from '../../inbound/admin.ts'
import type { Crew } from '../../services/workers/crew.ts'
import type { GatewayConfig } from '../config/settings.ts'
import { mergedShadow } from './merged-shadow.ts'
import { mergedStatus, mergedUpstream } from './merged-status.ts'
import type { ShadowPage } from './shadow-page.ts'
import type { GatewayStatus } from './status.ts'

/** How long the others may take to connect to a server anew, in milliseconds. */
const RECONNECTING = 60_000

/** An upstream, as `refresh` and `reconnect` tell of it. */
interface Turned {
  readonly upstream: string
  readonly status: UpstreamStatus | undefined
}

/** Lets another worker see and turn what is here. */
export function answerCrew(own: AdminWork, crew: Crew): void {
  crew.answer('status', () => own.status())
  crew.answer('refresh', (id) => own.refresh(id as string))
  crew.answer('reconnect', (id) => own.reconnect(id as string))
  crew.answer('shadow', (plugin) => own.shadow((plugin as string | null) ?? undefined))
}

/**
 * What operators see and turn of all workers at once. Who does not answer is named. Commands run here only, as
 * they do at one of several replicas, and what would become of a call is asked of this worker's catalog.
 */
export function crewWork(
  own: AdminWork,
  crew: Crew,
  config: Pick<GatewayConfig, 'upstreams'>,
): AdminWork {
  const turn = async (
    topic: 'refresh' | 'reconnect',
    id: string,
    timeoutMs?: number,
  ): Promise<object | undefined> => {
    const others = crew.ask(topic, id, timeoutMs)
    const mine = (await own[topic](id)) as Turned | undefined
    if (mine === undefined) return undefined
    const states = (await others).map((answer) =>
      'value' in answer ? (answer.value as Turned | undefined)?.status : undefined,
    )
    const each = config.upstreams.find((one) => one.id === id)
    return { ...mine, status: mergedUpstream([mine.status, ...states], each) }
  }
  return {
    ...own,
    async status() {
      const [mine, others] = await Promise.all([own.status(), crew.ask('status', null)])
      return mergedStatus(mine as GatewayStatus, crew.slot, others, config)
    },
    refresh: (id) => turn('refresh', id),
    reconnect: (id) => turn('reconnect', id, RECONNECTING),
    async shadow(plugin) {
      const mine = (await own.shadow(plugin)) as ShadowPage
      return mergedShadow(mine, await crew.ask('shadow', plugin ?? null))
    },
  }
}
