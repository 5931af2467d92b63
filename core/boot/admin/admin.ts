import { randomBytes } from 'node:crypto'
import type { Clock, Health, Principal } from '../../../sdk/index.ts'
import type { PluginLine } from '../../hooks/hooks.ts'
import type { Wheel } from '../../hooks/wheel.ts'
import { Admin, type AdminWork } from '../../inbound/admin.ts'
import type { RefusedRequest } from '../../inbound/gate.ts'
import type { Inbound } from '../../inbound/http.ts'
import type { AdminConfig } from '../../inbound/settings.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import type { Outbound } from '../../outbound/outbound.ts'
import type { EmbeddedServices } from '../../services/embedded.ts'
import type { WorkerServices } from '../../services/workers/worker-services.ts'
import { runCommand } from '../commands/commands.ts'
import { explain } from '../commands/explain.ts'
import type { GatewayConfig } from '../config/settings.ts'
import { kindCounts } from '../kinds.ts'
import { gatewayVersion } from '../version.ts'
import type { WorkerSeat } from '../workers/seat.ts'
import type { AdminDoor } from './admin-door.ts'
import { removeAdminFiles, writeAdminFiles } from './admin-files.ts'
import { answerCrew, crewWork } from './crew-work.ts'
import { shadowPage } from './shadow-page.ts'
import { type GatewayStatus, hookStatus, statusSections } from './status.ts'

/** The parts of a running gateway that operators look at and turn. */
export interface AdminSite {
  readonly config: GatewayConfig
  readonly kernel: Kernel
  readonly lines: readonly PluginLine[]
  readonly inbound: Inbound
  readonly outbound: Outbound
  readonly clock: Clock
  readonly wheel: Wheel
  /** How often each plugin failed, by line id. */
  readonly failures: ReadonlyMap<string, number>
  readonly health: () => Promise<Record<string, Health>>
  readonly shadow: EmbeddedServices['shadow']
  /** Makes the ids of requests. */
  readonly nextId: () => string
  /** Told of a throw in the gateway's own code. */
  readonly fault: (cause: unknown, requestId: string) => void
  /** Told of every request that is not let in. */
  readonly refused: (request: RefusedRequest) => void
  /** Which of several workers this is, if it is one. */
  readonly seat: WorkerSeat | undefined
  /** What those share. */
  readonly worker: WorkerServices | undefined
}

/** Opens the admin door. @throws GatewayError when its port or its files cannot be had */
export async function openAdmin(settings: AdminConfig, site: AdminSite): Promise<AdminDoor> {
  const { config, kernel, inbound, nextId, fault, refused, seat } = site
  const token = randomBytes(32).toString('base64url')
  const admin = new Admin({
    kernel,
    operations: inbound.operations,
    config: settings,
    token,
    work: joined(site),
    routes: inbound.adminRoutes,
    nextId,
    fault,
    refused,
  })
  await admin.listen()
  const { url } = admin
  try {
    writeAdminFiles(config.data, {
      url: reachable(url),
      token,
      config: config.file,
      pid: seat?.pid ?? process.pid,
    })
  } catch (error) {
    await admin.close()
    throw error
  }
  return {
    url,
    async close() {
      removeAdminFiles(config.data, token)
      await admin.close()
    },
  }
}

/** Lets the worker that has the door see and turn what is here. */
export function answerDoor(site: AdminSite): void {
  if (site.worker !== undefined) answerCrew(workOf(site), site.worker.crew)
}

/** What the door shows and turns: of all workers, where there are several. */
function joined(site: AdminSite): AdminWork {
  const work = workOf(site)
  return site.worker === undefined ? work : crewWork(work, site.worker.crew, site.config)
}

function workOf(site: AdminSite): AdminWork {
  const { config, kernel, lines, outbound, wheel, clock } = site
  const started = clock.now()
  const startedAt = clock.monotonic()
  const stateOf = (id: string) => ({ upstream: id, status: outbound.status()[id] })
  return {
    status: () => statusPage(site, new Date(started), clock.monotonic() - startedAt),
    refresh: (id) => (outbound.refresh(id) ? stateOf(id) : undefined),
    reconnect(id) {
      const connected = outbound.reconnect(id)
      return connected?.then(() => stateOf(id))
    },
    explain: (question) =>
      explain(
        { kernel, lines, wheel, runs: site.shadow.runs, profiles: config.profiles },
        question,
      ),
    shadow: (plugin) => shadowPage(lines, site.shadow.report, plugin),
    command: (plugin, name, args, principal: Principal) =>
      runCommand(lines, { plugin, name, args, principal }, wheel),
  }
}

async function statusPage(
  { config, kernel, inbound, outbound, failures, health }: AdminSite,
  started: Date,
  uptimeMs: number,
): Promise<GatewayStatus> {
  const [wellness, sections] = await Promise.all([health(), statusSections(kernel.hooks)])
  const { revision, entries, collisions } = kernel.catalog
  return {
    schema: 1,
    version: gatewayVersion(),
    config: config.file,
    started: started.toISOString(),
    uptimeMs: Math.round(uptimeMs),
    draining: inbound.draining,
    url: inbound.url,
    upstreams: outbound.status(),
    catalog: { revision, ...kindCounts(entries), collisions },
    plugins: Object.fromEntries(
      config.plugins.map(({ id, mode, plugin: { name, version } }) => [
        id,
        {
          name,
          version,
          origin: config.origins.get(id) ?? 'unknown',
          health: wellness[id],
          failures: failures.get(id) ?? 0,
          ...(mode === 'shadow' ? { mode } : {}),
          hooks: hookStatus(kernel.hooks.counts, id),
          ...(sections[id] === undefined ? {} : { status: sections[id] }),
        },
      ]),
    ),
  }
}

/** The address to knock at on this machine: one that stands for all of them is none of them. */
function reachable(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
}
