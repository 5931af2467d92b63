import { type Answer, type Driven, drive } from '../e2e/upstreams/gateway.ts'
import { type Stub, stub } from '../e2e/upstreams/stub.ts'
import type { Scope } from '../fixtures/gateway.ts'
import { leavesNothing } from '../fixtures/leaks.ts'

/** A server of each era, by the name of its upstream. */
export interface Both {
  readonly gateway: Driven
  readonly servers: Readonly<Record<'old' | 'new', Stub>>
}

/** A gateway whose time stands still, in front of a server of each era. */
export async function both(scope: Scope, settings: object = {}): Promise<Both> {
  const servers = { old: await stub(scope, 'legacy'), new: await stub(scope, 'modern') }
  const gateway = await drive(scope, {
    old: { url: servers.old.url, ...settings },
    new: { url: servers.new.url, ...settings },
  })
  await gateway.ready()
  return { gateway, servers }
}

/**
 * Calls the tool `write` of servers that are at fault, again and again, and holds the gateway to leaving
 * nothing of it. Before and after, both are well.
 * @param judge looks at each answer
 * @param kept what one fault may leave for later, by kind
 */
export async function atFault(
  { gateway, servers }: Both,
  fault: Stub['acts'][string],
  judge: (answer: Answer, era: string) => unknown,
  call: (name: string) => Promise<Answer> = (name) => gateway.call(name),
  kept: Readonly<Record<string, number>> = {},
): Promise<void> {
  const well = async () => {
    await gateway.passUntil(() =>
      Object.values(gateway.status()).every(({ state }) => state === 'ready'),
    )
    for (const up of Object.keys(servers)) {
      const { result } = await gateway.call(`${up}__write`)
      if (result?.content[0]?.text !== 'ok') throw new Error(`${up}: ${JSON.stringify(result)}`)
    }
  }
  await well()
  await leavesNothing(
    async () => {
      for (const [up, server] of Object.entries(servers)) {
        server.acts['tools/call'] = fault
        await judge(await call(`${up}__write`), up)
        delete server.acts['tools/call']
      }
      await well()
    },
    () => gateway.clock.advance(1_000),
    kept,
  )
}

/** Waits for an answer while time passes. @returns the answer, and how many milliseconds it took */
export async function timed(
  { gateway }: Both,
  answer: Promise<Answer>,
): Promise<readonly [Answer, number]> {
  const from = gateway.clock.monotonic()
  let over = false
  void answer.finally(() => {
    over = true
  })
  await gateway.passUntil(() => over)
  return [await answer, gateway.clock.monotonic() - from]
}
