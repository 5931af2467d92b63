import { type Token, token } from '../token.ts'

/** Tells every plugin's `observe` of something this plugin knows, as an event of type `plugin`. */
export interface Events {
  /** Observers have been told when it returns. Before the gateway runs nobody hears it. */
  emit(name: string, fields: Readonly<Record<string, unknown>>): void
}
/** The service of that name. */
export const Events: Token<Events> = token<Events>('Events')
