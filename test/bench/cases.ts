import { createHash, randomBytes } from 'node:crypto'
import type { Era } from './wire.ts'

/** One configuration of the gateway that is measured against the floor. */
export interface Case {
  readonly name: string
  /** The era of the client and of the upstream. */
  readonly era: Era
  readonly plugins: readonly object[]
  /** What its client sends besides the protocol's own headers. */
  readonly headers: Readonly<Record<string, string>>
}

const key = randomBytes(24).toString('base64url')
const sha256 = createHash('sha256').update(key).digest('hex')

/** In the order of the table. */
export const CASES: readonly Case[] = [
  { name: 'auth-none', era: 'modern', plugins: [{ use: 'auth-none' }], headers: {} },
  { name: 'auth-none-legacy', era: 'legacy', plugins: [{ use: 'auth-none' }], headers: {} },
  {
    name: 'auth-api-key+denylist',
    era: 'modern',
    plugins: [
      { use: 'auth-api-key', config: { keys: [{ id: 'bench', sha256 }] } },
      { use: 'denylist', config: { presets: ['infrastructure'] } },
    ],
    headers: { Authorization: `Bearer ${key}` },
  },
]

/** The gateway's config file for a case: its plugins in front of one upstream. */
export function configOf(one: Case, upstream: string): string {
  return JSON.stringify({
    listen: { host: '127.0.0.1', port: 0 },
    admin: false,
    upstreams: { demo: { url: upstream } },
    plugins: one.plugins,
  })
}
