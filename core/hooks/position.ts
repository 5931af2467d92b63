import { fileURLToPath } from 'node:url'

/** What Node.js puts in front of a stack where code could not be parsed: the line, and a mark below it. */
const PARSED = /^(file:\/\/\S+|\/.+):(\d+)\n[\s\S]*?^( *)\^/m
const FRAME = /^ +at (?:.*\()?(file:\/\/[^\s()]+|\/[^\s()]+):(\d+):(\d+)\)?$/
/** What the gateway runs is not where a plugin's mistake is. */
const OURS = ['core', 'sdk'].map((room) => new URL(`../../${room}/`, import.meta.url).href)

/** Where in somebody else's code an error was made, as `file:line:column`, if its stack tells. */
export function positionOf(cause: unknown): string | undefined {
  const { stack } = Object(cause) as { stack?: unknown }
  return typeof stack === 'string' ? positionIn(stack) : undefined
}

/** The same of a stack, or of what Node.js prints. */
export function positionIn(stack: string): string | undefined {
  const [parsed, file, row, indent] = PARSED.exec(stack) ?? []
  if (parsed !== undefined && stack.startsWith(parsed)) {
    return `${pathOf(file as string)}:${row}:${(indent as string).length + 1}`
  }
  for (const line of stack.split('\n')) {
    const [, thrown, at, column] = FRAME.exec(line) ?? []
    if (thrown === undefined || OURS.some((ours) => thrown.startsWith(ours))) continue
    return `${pathOf(thrown)}:${at}:${column}`
  }
  return undefined
}

function pathOf(file: string): string {
  return file.startsWith('file:') ? fileURLToPath(file) : file
}
