import { openSessions, openStreams, streamRequest } from '../memory/crowd.ts'
import type { Started } from '../process.ts'
import type { Aim, Era } from '../wire.ts'
import type { Scene } from './scene.ts'

/** One configuration at one place of an axis. */
export interface Point {
  readonly size: number
  /** Whose line it is part of. */
  readonly series: 'patchbay' | 'floor'
  readonly aim: Aim
  readonly pid: number
  /** How many call at once. */
  readonly connections: number
}

/** Something that may be large. */
export interface Axis {
  readonly name: string
  /** What is counted. */
  readonly title: string
  readonly sizes: readonly number[]
  /** Nothing on the call path may depend on it. */
  readonly flat: boolean
  /** Milliseconds of one slice. */
  readonly slice: number
  /** Starts what is measured at these places, and makes it as large. */
  start(scene: Scene, sizes: readonly number[]): Promise<Point[]>
}

const CROWD = 16
const SLICE = 100

function point(
  size: number,
  { url, pid }: Started,
  of: Partial<Point> & { era?: Era } = {},
): Point {
  const { era = 'modern', ...rest } = of
  const aim = { url, era, tool: 'demo__echo', headers: {} }
  return { size, series: 'patchbay', aim, pid, connections: CROWD, ...rest }
}

async function inTurn<T>(
  sizes: readonly number[],
  one: (size: number) => Promise<T[]>,
): Promise<T[]> {
  const all: T[] = []
  for (const size of sizes) all.push(...(await one(size)))
  return all
}

/** In the order of the tables. */
export const AXES: readonly Axis[] = [
  {
    name: 'connections',
    title: 'connections that call at once',
    sizes: [1, 4, 16, 64, 256, 512],
    flat: false,
    slice: SLICE,
    async start(scene, sizes) {
      const upstream = await scene.upstream({})
      const gateway = await scene.gateway({ demo: upstream })
      const floor = await scene.floor(upstream)
      return sizes.flatMap((connections) => [
        point(connections, gateway, { connections }),
        point(connections, floor, { connections, series: 'floor' }),
      ])
    },
  },
  {
    name: 'tools',
    title: 'tools of the upstream',
    sizes: [20, 100, 500, 2_000, 5_000],
    flat: true,
    slice: SLICE,
    start: (scene, sizes) =>
      inTurn(sizes, async (tools) => [
        point(tools, await scene.gateway({ demo: await scene.upstream({ tools }) })),
      ]),
  },
  {
    name: 'upstreams',
    title: 'upstreams of 20 tools each',
    sizes: [1, 5, 20, 100],
    flat: true,
    slice: SLICE,
    async start(scene, sizes) {
      const url = await scene.upstream({})
      return inTurn(sizes, async (count) => {
        const others = Array.from({ length: count - 1 }, (_, n) => [`other-${n}`, url])
        // The one that is called comes last.
        return [point(count, await scene.gateway({ ...Object.fromEntries(others), demo: url }))]
      })
    },
  },
  {
    name: 'sessions',
    title: 'legacy sessions, open and idle',
    sizes: [0, 1_000, 10_000],
    flat: true,
    slice: SLICE,
    async start(scene, sizes) {
      const url = await scene.upstream({ era: 'legacy' })
      return inTurn(sizes, async (count) => {
        const gateway = await scene.gateway({ demo: url })
        await openSessions(gateway.url, count)
        return [point(count, gateway, { era: 'legacy' })]
      })
    },
  },
  {
    name: 'streams',
    title: 'listen streams, open and idle',
    sizes: [0, 1_000, 10_000],
    flat: true,
    slice: SLICE,
    async start(scene, sizes) {
      const url = await scene.upstream({})
      return inTurn(sizes, async (count) => {
        const gateway = await scene.gateway({ demo: url })
        const request = streamRequest(gateway.url)
        scene.hold(await openStreams(gateway.url, count, () => request))
        return [point(count, gateway)]
      })
    },
  },
  {
    name: 'plugins',
    title: 'guards that do nothing',
    sizes: [0, 1, 2, 4, 8, 12],
    flat: false,
    slice: SLICE,
    async start(scene, sizes) {
      const url = await scene.upstream({})
      return inTurn(sizes, async (count) => [
        point(count, await scene.gateway({ demo: url }, count)),
      ])
    },
  },
  {
    name: 'payload',
    title: 'bytes of a result',
    sizes: [64, 1_024, 16_384, 65_536, 262_144, 1_048_576],
    flat: false,
    slice: 3 * SLICE,
    async start(scene, sizes) {
      return inTurn(sizes, async (size) => {
        const url = await scene.upstream({ size })
        return [
          point(size, await scene.gateway({ demo: url })),
          point(size, await scene.floor(url), { series: 'floor' }),
        ]
      })
    },
  },
]
