import type {
  AuthRefused,
  Call,
  Caller,
  CallFinished,
  Listed,
  Outcome,
  PluginEvent,
  Target,
} from 'mcp-patchbay/sdk'
import type { Redaction } from './redaction.ts'
import type { Settings } from './settings.ts'

const MOST_NAME = 500
const MOST_TEXT = 1_000

/** What stands for arguments that cannot be read at all. */
const UNREADABLE = '"[unreadable]"'

/**
 * Makes records of events: JSON objects as text, so that what waits to be written holds nothing else. What is
 * the same for many calls is written once.
 */
export class Recorder {
  readonly #redaction: Redaction
  readonly #arguments: Settings['arguments']
  readonly #results: Settings['results']
  readonly #callers = new WeakMap<Caller, string>()
  readonly #targets = new WeakMap<Target, string>()

  constructor(redaction: Redaction, { arguments: args, results }: Settings) {
    this.#redaction = redaction
    this.#arguments = args
    this.#results = results
  }

  /** A call that is over. */
  call(event: CallFinished): string {
    const { outcome, target, call, sessionId, traceparent, verdicts } = event
    let text =
      `{"kind":"call","id":${quoted(event.id)},"request":${quoted(event.requestId)}` +
      `${this.#caller(event.caller)},"method":"${event.method}","name":${this.#name(event)}` +
      `${target === undefined ? '' : this.#target(target)}${this.#outcome(outcome)}` +
      `,"executed":${outcome.executed === 'unknown' ? '"unknown"' : outcome.executed}` +
      `,"start":${event.start},"duration":${event.duration}` +
      `,"upstreamDuration":${event.upstreamDuration},"rounds":${event.rounds},"wire":"${event.wire}"`
    if (sessionId !== undefined) text += `,"session":${quoted(sessionId)}`
    if (traceparent !== undefined) text += `,"trace":${this.#text(traceparent, 100)}`
    if (verdicts.length > 0) {
      const shadow = verdicts
        .filter((one) => one.shadow)
        .map(({ plugin, rule }) => `${plugin} ${rule}`)
      if (shadow.length > 0) text += `,"shadow":${JSON.stringify(shadow)}`
    }
    if (call !== undefined) text += this.#said(call)
    if (outcome.kind === 'result') text += this.#result(outcome.result)
    return `${text}}`
  }

  /** A list that was answered. */
  list({ method, caller, count, requestId }: Listed): string {
    return (
      `{"kind":"list","request":${quoted(requestId)}${this.#caller(caller)}` +
      `,"method":"${method}","outcome":"ok","count":${count}}`
    )
  }

  /** A request that nobody vouched for. */
  refusal({ denial, path, remoteAddress, requestId }: AuthRefused): string {
    const address = remoteAddress === undefined ? '' : `,"address":${quoted(remoteAddress)}`
    return (
      `{"kind":"refusal","request":${quoted(requestId)},"path":${this.#text(path, MOST_NAME)}${address}` +
      `${this.#outcome(denial)}}`
    )
  }

  /** What a plugin told. */
  event({ plugin, name, fields }: PluginEvent): string {
    return (
      `{"kind":"event","plugin":${quoted(plugin)},"name":${this.#text(name, MOST_NAME)}` +
      `,"fields":${this.#copy('fields', fields)}}`
    )
  }

  #caller(caller: Caller): string {
    let text = this.#callers.get(caller)
    if (text === undefined) {
      const { principal, client, path } = caller
      text =
        `,"issuer":${this.#text(principal.issuer, MOST_NAME)}` +
        `,"principal":${this.#text(principal.subject, MOST_NAME)},"path":${quoted(path)}` +
        `,"client":${this.#text(client.name, MOST_NAME)}` +
        `,"clientVersion":${this.#text(client.version, MOST_NAME)}` +
        `,"protocol":${this.#text(client.protocolVersion, MOST_NAME)}`
      this.#callers.set(caller, text)
    }
    return text
  }

  #target(target: Target): string {
    let text = this.#targets.get(target)
    if (text === undefined) {
      const { upstream, plugin, name } = target
      const place = plugin === undefined ? upstream : plugin
      text =
        `,"${plugin === undefined ? 'upstream' : 'plugin'}":${quoted(place)}` +
        `,"tool":${this.#text(name, MOST_NAME)}`
      this.#targets.set(target, text)
    }
    return text
  }

  /** The names of tools and prompts that exist are no caller's invention. */
  #name({ entry, name, method }: CallFinished): string {
    const isKnown = entry !== undefined && (method === 'tools/call' || method === 'prompts/get')
    return isKnown ? quoted(name) : this.#text(name, MOST_NAME)
  }

  #outcome(outcome: Outcome): string {
    switch (outcome.kind) {
      case 'result':
        return outcome.result.isError === true ? ',"outcome":"error"' : ',"outcome":"ok"'
      case 'denial': {
        const { code, message, rule, plugin } = outcome
        const by = plugin === undefined ? '' : `,"deniedBy":${quoted(plugin)}`
        const why = rule === undefined ? '' : `,"rule":${this.#text(rule, MOST_NAME)}`
        return `,"outcome":"denied","code":"${code}"${by}${why},"message":${this.#text(message, MOST_TEXT)}`
      }
      case 'failure':
        return `,"outcome":"failed","code":"${outcome.code}","message":${this.#text(outcome.message, MOST_TEXT)}`
      case 'cancelled':
        return `,"outcome":"cancelled","message":${this.#text(outcome.reason, MOST_TEXT)}`
      case 'question':
        return ',"outcome":"failed","code":"CANNOT_BE_ASKED"'
    }
  }

  #said(call: Call): string {
    let text = call.depth === 0 ? '' : `,"depth":${call.depth}`
    if (this.#arguments === 'none') return text
    if (this.#arguments === 'redacted')
      return `${text},"arguments":${this.#copy('arguments', call.args)}`
    const names: string[] = []
    for (const name in call.args) {
      if (names.length === 50) break
      names.push(this.#redaction.text(name, 100))
    }
    text += `,"argumentNames":${JSON.stringify(names)}`
    return text
  }

  #result(result: Readonly<Record<string, unknown>>): string {
    return this.#results === 'none' ? '' : `,"result":${this.#copy('result', result)}`
  }

  #copy(name: string, value: unknown): string {
    try {
      return JSON.stringify(this.#redaction.copy(name, value)) ?? UNREADABLE
    } catch {
      // A plugin's own object may throw when it is read.
      return UNREADABLE
    }
  }

  #text(text: string, most: number): string {
    return JSON.stringify(this.#redaction.text(text, most))
  }
}

/** Texts of the gateway's own, and of the config. */
function quoted(text: string): string {
  return JSON.stringify(text)
}
