/** The samplers of the OpenTelemetry specification that need nobody else. */
export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const
/** One of {@link SAMPLERS}. */
export type SamplerName = (typeof SAMPLERS)[number]

/** Digits of a trace id that decide: 13 are 52 bits, which a number holds exactly. */
const DIGITS = 13
const WHOLE = 16 ** DIGITS

/** Which traces are recorded: decided once, when a request arrives, before anything else is done for it. */
export class Sampler {
  /** Whether it does what the caller's own trace says, where there is one. */
  readonly parentBased: boolean
  /** Ids whose last digits are below are not recorded. */
  readonly #threshold: number

  /** @param ratio of the traces that begin here, 0 to 1; for the samplers that have one */
  constructor(name: SamplerName, ratio: number) {
    this.parentBased = name.startsWith('parentbased_')
    const share = name.endsWith('always_on') ? 1 : name.endsWith('always_off') ? 0 : ratio
    this.#threshold = (1 - share) * WHOLE
  }

  /** @param parent whether the trace around it is recorded; `undefined` where there is none */
  samples(traceId: string, parent: boolean | undefined): boolean {
    if (parent !== undefined && this.parentBased) return parent
    if (this.#threshold === 0) return true
    if (this.#threshold === WHOLE) return false
    return Number.parseInt(traceId.slice(-DIGITS), 16) >= this.#threshold
  }
}
