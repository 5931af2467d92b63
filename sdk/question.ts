/** What can be asked of the client's side (MCP: elicitation, sampling, roots). */
export const QUESTION_METHODS = [
  'elicitation/create',
  'sampling/createMessage',
  'roots/list',
] as const

/** One question, as the protocol writes it. */
export interface Question {
  readonly method: (typeof QUESTION_METHODS)[number]
  readonly params: Readonly<Record<string, unknown>>
}

/** A plugin's wish to ask before it decides. */
export interface Ask {
  readonly kind: 'ask'
  /** By keys of the plugin's own, under which `call.answers` will hold what came back. */
  readonly questions: Readonly<Record<string, Question>>
}

/**
 * Ends this round of a call with questions for the client's side. When the answers come, the call runs
 * again from its beginning and `call.answers` holds them.
 */
export function ask(questions: Readonly<Record<string, Question>>): Ask {
  return { kind: 'ask', questions }
}

/** A call that waits for answers. The next round has the same `call.id`. */
export interface QuestionOutcome {
  readonly kind: 'question'
  /** A plugin's by keys that begin with its id, an upstream's by its own. */
  readonly questions: Readonly<Record<string, Question>>
  readonly source: 'plugin' | 'upstream'
  /** The plugin that asks; `''` when the upstream does. */
  readonly plugin: string
  /** Whether the upstream has begun: so it has when it asks itself. */
  readonly executed: boolean
  /** The client capabilities that are missing, when this caller cannot be asked: the call ends here. */
  readonly missing?: Readonly<Record<string, object>>
}
