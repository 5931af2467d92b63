import type { FakeClock } from './clock.ts'

/** Milliseconds of real time. Whatever runs in a test without waiting for its clock takes less. */
const PATIENCE = 5_000

/**
 * Settles like what is waited for, or rejects when it has not in a while in which the test's clock stood still:
 * then it waits for that clock, and so do the limits of hooks.
 * @param what says who is waited for
 */
export function patiently<T>(
  running: T | Promise<T>,
  clock: FakeClock,
  what: () => string,
): Promise<T> {
  if (!(running instanceof Promise)) return Promise.resolve(running)
  return new Promise((resolve, reject) => {
    let seen = clock.monotonic()
    let timer: NodeJS.Timeout
    const look = () => {
      const now = clock.monotonic()
      if (now === seen) {
        reject(
          new Error(
            `${what()} did not settle, and the test's clock stands still, so that no limit runs out. If it is ` +
              'to wait, keep the promise and move time: `const pending = gateway.call(…)`, ' +
              '`gateway.clock.advance(2_000)`, `await pending`.',
          ),
        )
        return
      }
      seen = now
      timer = setTimeout(look, PATIENCE)
    }
    timer = setTimeout(look, PATIENCE)
    running.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
