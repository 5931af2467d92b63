import { ServiceError } from '../../../sdk/index.ts'
import { messageOf } from '../../hooks/errors.ts'

/** What the workers' `KeyValue` asks the primary to do. */
export const KEY_VALUE_METHODS = [
  'get',
  'set',
  'add',
  'take',
  'delete',
  'compareAndSet',
  'consume',
] as const

/** One of them. */
export type KeyValueMethod = (typeof KEY_VALUE_METHODS)[number]

/** A worker among the others. */
export interface Peer {
  /** Its place, 0 … N − 1; whoever replaces it has the same. */
  readonly slot: number
  /** This process's id on the bus; whoever replaces it has another. */
  readonly replica: string
  readonly pid: number
}

/** An error on its way to another process. */
export interface SentError {
  readonly name: string
  readonly message: string
  /** Of a ServiceError. */
  readonly code?: string
  readonly hint?: string
}

/**
 * What a worker says to the primary. An `id` is the worker's number of something it asked for, in `said`,
 * `answer` and `failed` the primary's number of something it was asked.
 */
export type WorkerFrame =
  | {
      readonly kind: 'value'
      readonly id: number
      readonly line: string
      readonly method: KeyValueMethod
      readonly args: readonly unknown[]
    }
  | {
      readonly kind: 'take'
      readonly id: number
      readonly name: string
      readonly ttlMs: number
      readonly waitMs: number
    }
  | { readonly kind: 'publish'; readonly topic: string; readonly text: string }
  | {
      readonly kind: 'ask'
      readonly id: number
      readonly owner: string
      readonly topic: string
      readonly text: string
      /** Whether messages come before the outcome. */
      readonly stream: boolean
    }
  /** It wants no more of what it asked for; of a lock, it lets go. */
  | { readonly kind: 'drop'; readonly id: number }
  | Said
  | Failed

/**
 * What the primary says to a worker. An `id` is the worker's number of something it asked for, in `serve` and
 * `drop` the primary's number of something that the worker is asked.
 */
export type HubFrame =
  | { readonly kind: 'heard'; readonly topic: string; readonly text: string }
  | {
      readonly kind: 'serve'
      readonly id: number
      readonly topic: string
      readonly text: string
      readonly stream: boolean
    }
  | { readonly kind: 'drop'; readonly id: number }
  /** The lock has expired. */
  | { readonly kind: 'over'; readonly id: number }
  | { readonly kind: 'peers'; readonly peers: readonly Peer[] }
  | Said
  | Failed

/** `said` comes before an `answer`, any number of times. */
type Said =
  | { readonly kind: 'said'; readonly id: number; readonly text: string }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }

interface Failed {
  readonly kind: 'failed'
  readonly id: number
  readonly error: SentError
}

/** An error as it travels. */
export function sentError(cause: unknown): SentError {
  if (cause instanceof ServiceError) {
    const { name, message, code, hint } = cause
    return { name, code, hint, message: message.slice(0, -`. ${hint}`.length) }
  }
  return { name: cause instanceof RangeError ? 'RangeError' : 'Error', message: messageOf(cause) }
}

/** The error that travelled. */
export function receivedError({ name, message, code, hint }: SentError): Error {
  if (code !== undefined) return new ServiceError(code, message, hint ?? '')
  return name === 'RangeError' ? new RangeError(message) : new Error(message)
}
