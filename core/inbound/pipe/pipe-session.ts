import { randomBytes } from 'node:crypto'
import type { Client, Principal } from '../../../sdk/index.ts'
import type { Session, SessionState } from '../session.ts'

/** The first revision: who has not said which it speaks is taken for one of it. */
const FIRST = '2024-11-05'
const STRANGER: Client = {
  name: 'unknown',
  version: '',
  protocolVersion: FIRST,
  era: 'legacy',
  capabilities: {},
}

/** The session of a client on a pipe: it begins and ends with the pipe, and no other replica knows it. */
export class PipeSession implements Session {
  readonly id: string
  readonly nonce: string
  issuer: string
  subject: string
  /** It ends with its pipe. */
  readonly expires = Number.POSITIVE_INFINITY
  state: SessionState = {}
  used = 0
  kept = 0
  /** Whether the client has said hello. */
  begun = false
  client = STRANGER
  clientKey = JSON.stringify(STRANGER)

  constructor(id: string, { issuer, subject }: Principal) {
    this.id = id
    this.nonce = randomBytes(16).toString('base64url')
    this.issuer = issuer
    this.subject = subject
  }

  /** Whose it is, where that is known with its first message only. */
  claim({ issuer, subject }: Principal): void {
    this.issuer = issuer
    this.subject = subject
  }

  /** The client has said who it is. */
  begin(client: Client): void {
    this.begun = true
    this.client = client
    this.clientKey = JSON.stringify(client)
  }
}
