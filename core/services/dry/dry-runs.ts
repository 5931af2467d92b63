import { AsyncLocalStorage } from 'node:async_hooks'

/** One plugin finding out what it would say. */
export interface DryRun {
  /** The id of its line. */
  readonly plugin: string
  /** Whether what it writes is thrown away with this object, or kept beside its real values. */
  readonly scratch: boolean
}

/** Who runs dry right now: what that plugin's own services ask before they act. */
export class DryRuns {
  readonly #running = new AsyncLocalStorage<DryRun>()

  /** Runs a plugin's code dry, with all that it brings about later. */
  enter<A, R>(run: DryRun, work: (argument: A) => R, argument: A): R {
    return this.#running.run(run, work, argument)
  }

  /** The dry run that is under way here for a plugin line. */
  of(plugin: string): DryRun | undefined {
    const run = this.#running.getStore()
    // What others do on account of a dry run, as observers do, is real.
    return run?.plugin === plugin ? run : undefined
  }
}
