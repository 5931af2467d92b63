import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type IncomingHttpHeaders, request } from 'node:http'
import { join } from 'node:path'
import type { RunningGateway } from '../../fixtures/gateway.ts'

/** An answer of the admin door. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The body as JSON. */
  readonly body: Record<string, unknown>
}

/** What is sent. */
export interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as it is when it is text, as JSON otherwise. */
  readonly body?: unknown
  /** The local operator's token is sent unless this is false. */
  readonly token?: boolean
}

/** Sends one request, Host header and all, and reads the answer. */
export function knock(
  gateway: RunningGateway,
  path: string,
  { method = 'GET', headers = {}, body, token = true }: Sent = {},
): Promise<Answer> {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const all = {
    ...(token ? { authorization: `Bearer ${tokenOf(gateway)}` } : {}),
    ...(text === undefined ? {} : { 'content-type': 'application/json' }),
    ...headers,
  }
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, gateway.adminUrl), { method, headers: all }, (answer) => {
      let received = ''
      answer.setEncoding('utf8')
      answer.on('data', (chunk: string) => {
        received += chunk
      })
      answer.on('end', () => {
        const { statusCode: status = 0, headers: told } = answer
        resolve({ status, headers: told, body: received === '' ? {} : JSON.parse(received) })
      })
    })
    sent.on('error', reject)
    sent.end(text)
  })
}

/** What the gateway wrote for the local operator. */
export function tokenOf({ config }: RunningGateway): string {
  return readFileSync(join(config.data, 'admin-token'), 'utf8').trim()
}

/** A hash as `auth-api-key` wants it. */
export function sha256(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}

/** Source text of a plugin without settings. @param setup the body of its `setup` function */
export function pluginText(name: string, setup: string, more = ''): string {
  return `import { definePlugin, deny, Log } from 'mcp-patchbay/sdk'
export default definePlugin({
  name: '${name}', version: '1.2.3', ${more}
  configSchema: { type: 'object', additionalProperties: false, properties: {} },
  needs: { log: Log },
  setup(config, { log }) { ${setup} },
})`
}
