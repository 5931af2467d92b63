import { globSync, readFileSync } from 'node:fs'

/** Where a config's files are read. */
export interface ConfigDisk {
  /** A file's text. @throws NodeJS.ErrnoException */
  read(file: string): string
  /** The files that a glob stands for, sorted. */
  find(glob: string, folder: string): readonly string[]
}

/** What a config was read from: enough to read the same again when the files have changed. */
export interface ConfigRecord {
  /** File → its text. */
  readonly texts: Readonly<Record<string, string>>
  /** Folder and glob → the files it stood for. */
  readonly found: Readonly<Record<string, readonly string[]>>
}

/** The computer's own. */
export const DISK: ConfigDisk = {
  read: (file) => readFileSync(file, 'utf8'),
  find: (glob, folder) => globSync(glob, { cwd: folder }).sort(),
}

/** Reads, and keeps what it read. */
export class RecordingDisk implements ConfigDisk, ConfigRecord {
  readonly texts: Record<string, string> = {}
  readonly found: Record<string, readonly string[]> = {}

  read(file: string): string {
    const text = DISK.read(file)
    this.texts[file] = text
    return text
  }

  find(glob: string, folder: string): readonly string[] {
    const files = DISK.find(glob, folder)
    this.found[keyOf(glob, folder)] = files
    return files
  }
}

/** Reads from a record what is in it, and everything else from the computer's own disk. */
export function recordedDisk({ texts, found }: ConfigRecord): ConfigDisk {
  return {
    read: (file) => texts[file] ?? DISK.read(file),
    find: (glob, folder) => found[keyOf(glob, folder)] ?? DISK.find(glob, folder),
  }
}

function keyOf(glob: string, folder: string): string {
  return JSON.stringify([folder, glob])
}
