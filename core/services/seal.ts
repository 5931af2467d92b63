import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'
import type { Sealer } from '../kernel/ports.ts'

const ALGORITHM = 'aes-256-gcm'
const ID = 4
const NONCE = 12
const TAG = 16

interface Key {
  readonly id: Buffer
  readonly secret: Buffer
}

/**
 * AES-256-GCM with a key ring: the first key seals, all open. Sealed text is base64url of
 * key id, nonce, tag and ciphertext; the purpose is bound as associated data.
 */
export class Seal implements Sealer {
  readonly #keys: readonly [Key, ...Key[]]

  /** @param secrets at least one, each of 32 characters or more */
  constructor(secrets: readonly string[]) {
    const [first, ...rest] = secrets.map(derive)
    if (first === undefined) throw new RangeError('a seal needs at least one key')
    this.#keys = [first, ...rest]
  }

  seal(facts: string, purpose: string): string {
    const [{ id, secret }] = this.#keys
    const nonce = randomBytes(NONCE)
    const cipher = createCipheriv(ALGORITHM, secret, nonce).setAAD(Buffer.from(purpose))
    const body = Buffer.concat([cipher.update(facts, 'utf8'), cipher.final()])
    return Buffer.concat([id, nonce, cipher.getAuthTag(), body]).toString('base64url')
  }

  open(text: string, purpose: string): string | undefined {
    const sealed = Buffer.from(text, 'base64url')
    // One way to write it: what was revoked under one spelling must not open under another.
    if (sealed.length <= ID + NONCE + TAG || sealed.toString('base64url') !== text) return undefined
    const key = this.#keys.find(({ id }) => id.equals(sealed.subarray(0, ID)))
    if (key === undefined) return undefined
    const nonce = sealed.subarray(ID, ID + NONCE)
    const decipher = createDecipheriv(ALGORITHM, key.secret, nonce, { authTagLength: TAG })
      .setAAD(Buffer.from(purpose))
      .setAuthTag(sealed.subarray(ID + NONCE, ID + NONCE + TAG))
    try {
      const facts = decipher.update(sealed.subarray(ID + NONCE + TAG))
      return Buffer.concat([facts, decipher.final()]).toString('utf8')
    } catch {
      return undefined
    }
  }
}

function derive(secret: string): Key {
  const derived = Buffer.from(hkdfSync('sha256', secret, 'mcp-patchbay', 'seal', 32))
  return { id: createHash('sha256').update(derived).digest().subarray(0, ID), secret: derived }
}
