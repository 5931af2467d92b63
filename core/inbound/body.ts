import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'

/** A body that cannot be read, with the status that says so. */
export interface BodyProblem {
  readonly status: 400 | 413 | 415
  readonly reason: string
}

/** Reads a whole body; calls `done` once, with its text or what is wrong with it. */
export function readBody(
  request: IncomingMessage,
  limit: number,
  done: (text: string | undefined, problem?: BodyProblem) => void,
): void {
  const {
    'content-type': type,
    'content-encoding': encoding,
    'content-length': length,
  } = request.headers
  if (type !== 'application/json' && !/^application\/json\s*(;|$)/i.test(type ?? '')) {
    return done(undefined, { status: 415, reason: 'Content-Type must be application/json' })
  }
  if (encoding !== undefined && encoding !== 'identity') {
    return done(undefined, { status: 415, reason: 'Content-Encoding is not supported' })
  }
  const tooLarge = { status: 413, reason: `the body is larger than ${limit} bytes` } as const
  if (Number(length ?? 0) > limit) return done(undefined, tooLarge)
  let first: Buffer | undefined
  let rest: Buffer[] | undefined
  let size = 0
  let over = false
  const end = (text: string | undefined, problem?: BodyProblem) => {
    if (over) return
    over = true
    done(text, problem)
  }
  request.on('data', (chunk: Buffer) => {
    if (over) return
    size += chunk.length
    if (size > limit) {
      rest = undefined
      first = undefined
      end(undefined, tooLarge)
    } else if (first === undefined) first = chunk
    else {
      rest ??= [first]
      rest.push(chunk)
    }
  })
  request.on('end', () => {
    const body = rest === undefined ? (first ?? Buffer.alloc(0)) : Buffer.concat(rest)
    // Replacement characters would change what the client meant; JSON is UTF-8 (RFC 8259, 8.1).
    if (isUtf8(body)) end(body.toString('utf8'))
    else end(undefined, { status: 400, reason: 'the body is not UTF-8' })
  })
  // The client went away: there is nobody to answer.
  request.on('error', () => {
    over = true
  })
}
