import type { Caller } from '../../sdk/index.ts'
import { FilteredExchange } from '../kernel/messages.ts'
import type { Exchange } from '../kernel/ports.ts'
import type { ResourceUpdate } from '../kernel/subscriptions.ts'
import type { Place, Source, Sources, Wish } from './sources.ts'
import { updateText } from './update-text.ts'

type Heard = (wish: Subscribed, source: Source, update: ResourceUpdate) => void

/** One URI that a client subscribed to. */
export class Subscribed implements Wish {
  readonly uri: string
  /** Whose count it is in. */
  readonly owner: Caller['principal']
  sources: readonly Source[] = []
  readonly #heard: Heard

  constructor(uri: string, owner: Caller['principal'], heard: Heard) {
    this.uri = uri
    this.owner = owner
    this.#heard = heard
  }

  heard(source: Source, update: ResourceUpdate): void {
    this.#heard(this, source, update)
  }
}

/** An update that waits to be told. */
export interface Due {
  readonly wish: Subscribed
  /** Which place told it; `undefined` when any may have changed. */
  readonly from?: Place
  readonly update?: ResourceUpdate
}

/** The notification, if its reader may be told of this now. What nobody can decide is not told. */
async function written(
  sources: Sources,
  caller: Caller,
  { wish, from, update }: Due,
): Promise<string | undefined> {
  try {
    const places = await sources.places(caller, wish.uri)
    if (places === undefined) return undefined
    if (from === undefined || update === undefined) return updateText(wish.uri, {})
    if (!includes(places, from)) return undefined
    if (update.uri === from.own) return updateText(wish.uri, update)
    const { upstream } = from
    const uri = sources.kernel.catalog.of(caller).publicUri(upstream, update.uri)
    const below = await sources.places(caller, uri)
    if (!includes(below ?? [], { upstream, own: update.uri })) return undefined
    return updateText(uri, update)
  } catch (cause) {
    sources.kernel.fault(cause, '')
    return undefined
  }
}

/**
 * The notification as its reader may be told it now, and as the plugins leave it; `undefined` when it is not to
 * be told. Plugins that had to be waited for may have been overtaken by a policy: it is asked again.
 */
export async function told(
  sources: Sources,
  caller: Caller,
  due: Due,
): Promise<string | undefined> {
  const text = await written(sources, caller, due)
  if (text === undefined) return undefined
  const { hooks } = sources.kernel
  if (hooks.messages === null) return text
  let judged: string | undefined
  const tell = (one: string) => {
    judged = one
  }
  const exchange = new FilteredExchange(sink(tell), caller, hooks)
  exchange.message(text)
  if (exchange.pending === undefined) return judged
  await exchange.pending
  return (await written(sources, caller, due)) === undefined ? undefined : judged
}

function includes(places: readonly Place[], { upstream, own }: Place): boolean {
  return places.some((place) => place.upstream === upstream && place.own === own)
}

function sink(message: (text: string) => void): Exchange {
  return { wire: '', requestId: '', sessionId: undefined, headers: {}, message, round: undefined }
}
