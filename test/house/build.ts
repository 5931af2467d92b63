// Builds what is published, in dist/ or the folder it is given: JavaScript with types, and a package.json of its own.
import { execFileSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { ROOT } from './plugins.ts'

const dist = resolve(process.argv[2] ?? join(ROOT, 'dist'))
/** What `patchbay new plugin` copies: published as it stands. */
const TEMPLATE = 'sdk/template'
const sources = globSync('{core,sdk,plugins}/**/*.ts', { cwd: ROOT }).filter(
  (file) => !file.endsWith('.test.ts') && !file.startsWith(TEMPLATE),
)
const texts = ['README.md', 'CHANGELOG.md', 'LICENSE', 'config/patchbay.schema.json']
const readmes = globSync('{core,sdk,plugins}/**/*.md', { cwd: ROOT })

rmSync(dist, { recursive: true, force: true })
compile()
for (const file of [...globSync(texts, { cwd: ROOT }), ...readmes]) {
  mkdirSync(dirname(join(dist, file)), { recursive: true })
  cpSync(join(ROOT, file), join(dist, file))
}
cpSync(join(ROOT, TEMPLATE), join(dist, TEMPLATE), { recursive: true })
writeFileSync(join(dist, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`)
console.log(`built ${sources.length} modules into ${dist}`)

function compile(): void {
  // Lives in dist for the length of the build; tsc reads the base only for a file of its own.
  const config = join(dist, 'tsconfig.json')
  const options = {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      outDir: '.',
      rootDir: ROOT,
      typeRoots: [join(ROOT, 'node_modules/@types')],
      declaration: true,
    },
    include: [],
    files: sources.map((file) => join(ROOT, file)),
  }
  mkdirSync(dist, { recursive: true })
  writeFileSync(config, JSON.stringify(options))
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
  execFileSync(process.execPath, [compiler, '-p', config], { stdio: 'inherit' })
  rmSync(config)
}

function manifest(): Record<string, unknown> {
  const {
    devDependencies: _,
    scripts: __,
    allowScripts: ___,
    files: ____,
    ...kept
  } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  return {
    ...kept,
    bin: mapValues(kept.bin, compiled),
    exports: mapValues(kept.exports, (path) =>
      path.endsWith('.ts')
        ? { types: path.replace(/\.ts$/, '.d.ts'), default: compiled(path) }
        : path,
    ),
  }
}

function compiled(path: string): string {
  return path.replace(/\.ts$/, '.js')
}

function mapValues<T>(
  map: Record<string, string>,
  change: (value: string) => T,
): Record<string, T> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value)]))
}
