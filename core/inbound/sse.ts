import type { ServerResponse } from 'node:http'

/** Where events go: a client's connection, or the way to one that another replica holds. */
export interface SseSink {
  writeHead(status: number, headers: string[]): unknown
  flushHeaders(): void
  write(text: string): unknown
  end(text?: string): unknown
  on(event: 'close' | 'drain', told: () => void): unknown
  /** Bytes that wait for it. */
  readonly writableLength: number
  readonly closed: boolean
}

/** Bytes that wait for a client that reads slowly. */
const MOST_UNREAD = 1024 * 1024
const SSE = [
  'content-type',
  'text/event-stream',
  'cache-control',
  'no-cache, no-transform',
  'x-accel-buffering',
  'no',
]

/** One SSE event. Line breaks are white space in JSON, and would end the event here. */
export function sseEvent(json: string): string {
  return `data: ${/[\r\n]/.test(json) ? json.replace(/[\r\n]/g, ' ') : json}\n\n`
}

/** Opens an SSE answer. */
export function startStream(response: SseSink, headers: readonly string[]): void {
  response.writeHead(200, [...SSE, ...headers])
  response.flushHeaders()
}

/**
 * Whether the client reads what it is sent. One that does not gets no more messages until it has: only
 * the answer itself is always written.
 */
export function keepsUp(response: Pick<SseSink, 'writableLength'>): boolean {
  return response.writableLength <= MOST_UNREAD
}

/** Answers with JSON. */
export function sendJson(
  response: ServerResponse,
  status: number,
  json: string,
  headers: readonly string[] = [],
): void {
  const length = Buffer.byteLength(json)
  response.writeHead(status, [
    'content-type',
    'application/json',
    'content-length',
    String(length),
    ...headers,
  ])
  response.end(json)
}
