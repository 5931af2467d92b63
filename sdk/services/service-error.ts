/** A service refused or could not do what it was asked. Compare `code`: it is stable, the text is not. */
export class ServiceError extends Error {
  /** For example `EGRESS_REFUSED`; each service's promise names its own. */
  readonly code: string
  /** What to do next. */
  readonly hint: string

  constructor(code: string, message: string, hint: string, options?: ErrorOptions) {
    super(`${message}. ${hint}`, options)
    this.name = 'ServiceError'
    this.code = code
    this.hint = hint
  }
}
