import type { Lost, Ticket, Waiter } from './link.ts'

/** A link that the gateway has closed meanwhile: a fresh one does. */
export const CLOSED: Lost = {
  message: 'the connection was closed',
  executed: false,
  sessionLost: true,
}

/** A request that is lost before it was sent. Its waiter hears so once its sender knows the ticket. */
export function lostSoon(waiter: Waiter, why: Lost): Ticket {
  let over = false
  queueMicrotask(() => {
    if (!over) waiter.lost(why)
  })
  return {
    cancel() {
      over = true
    },
    handOver() {},
  }
}
