/**
 * Refuses settings that a schema cannot express: throw it in `setup`. Operators read it like any other mistake
 * in their config, at its line.
 */
export class InvalidSettings extends Error {
  /** The setting within `config`, for example `hours.from` or `rules[2].tool`. */
  readonly path: string
  readonly reason: string
  /** What to write instead. */
  readonly hint: string | undefined

  constructor(path: string, reason: string, hint?: string, options?: ErrorOptions) {
    super(`config.${path}: ${reason}${hint === undefined ? '' : `. ${hint}`}`, options)
    this.name = 'InvalidSettings'
    this.path = path
    this.reason = reason
    this.hint = hint
  }
}
