import { STATUS_CODES } from 'node:http'
import type { Context } from 'koa'

/** What an {@link AdminProblem} says. */
export interface ProblemParts {
  readonly status: number
  /** Stable, for programs. */
  readonly code: string
  /** What is wrong, then what to do next. */
  readonly detail: string
  /** Response headers, flat. */
  readonly headers?: readonly string[]
}

/** Thrown to answer a request at the admin door with a problem (RFC 9457). */
export class AdminProblem extends Error {
  readonly status: number
  readonly code: string
  readonly headers: readonly string[]

  constructor({ status, code, detail, headers = [] }: ProblemParts) {
    super(detail)
    this.name = 'AdminProblem'
    this.status = status
    this.code = code
    this.headers = headers
  }
}

/** Answers with a problem (RFC 9457): `title` is the status in words, `code` says which problem it is. */
export function sendProblem(
  ctx: Context,
  { status, code, message, headers }: AdminProblem,
  requestId: string,
): void {
  const title = STATUS_CODES[status] ?? 'Error'
  ctx.status = status
  // Several `WWW-Authenticate` headers may stand side by side.
  for (let i = 0; i < headers.length; i += 2) {
    ctx.append(headers[i] as string, headers[i + 1] as string)
  }
  ctx.body = JSON.stringify({
    type: 'about:blank',
    title,
    status,
    detail: message,
    code,
    requestId,
  })
  ctx.type = 'application/problem+json'
}
