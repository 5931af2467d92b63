// Prints how large each room is. Nothing here is a limit; the limits are tests.
import { codeLines, lineCount, sources } from './sources.ts'

const ROOMS = [
  'core/wire',
  'core/hooks',
  'core/catalog',
  'core/kernel',
  'core/inbound',
  'core/outbound',
  'core/bridge',
  'core/services',
  'core/boot',
  'sdk',
  'plugins',
  'test',
]

for (const room of ROOMS) {
  const files = sources(room)
  const code = files.reduce((sum, file) => sum + codeLines(file), 0)
  const longest = Math.max(0, ...files.map(lineCount))
  const cells = [`${files.length}`.padStart(4), `${code}`.padStart(6), `${longest}`.padStart(4)]
  console.log(
    `${room.padEnd(14)}${cells[0]} files ${cells[1]} lines of code, longest file ${cells[2]}`,
  )
}
