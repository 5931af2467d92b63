// A process that trusts the test's certificate, connects to one https server both ways, and says what was spoken.

import { readFileSync } from 'node:fs'
import { createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { drive } from './gateway.ts'
import { Stub } from './stub.ts'

const [key = '', cert = ''] = process.argv.slice(2)
const ends: (() => unknown)[] = []
const scope = { after: (run: () => unknown) => void ends.push(run) }

const stub = new Stub('legacy')
const spoken = new Set<string>()
const server = createSecureServer(
  { key: readFileSync(key), cert: readFileSync(cert), allowHTTP1: true },
  (request, response) => {
    spoken.add(request.httpVersion)
    void stub.handle(request as never, response as never)
  },
)
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const url = `https://localhost:${(server.address() as AddressInfo).port}/mcp`

const told: Record<string, unknown> = {}
for (const allowH2 of [false, true]) {
  spoken.clear()
  const gateway = await drive(scope, { up: { url, allowH2 } })
  await gateway.ready()
  const calls = await Promise.all(Array.from({ length: 20 }, () => gateway.call('up__write')))
  const right = calls.every(({ result }) => result?.content[0]?.text === 'ok')
  told[String(allowH2)] = [[...spoken].join(), right]
}
console.log(JSON.stringify(told))
for (const end of ends) await end()
server.close()
process.exit()
