// The services of workers, over a channel to a hub, keep the promises of those in one process.
import { lineBus, lineLock } from '../../../../core/services/line-services.ts'
import { busContract } from '../../../services/bus-contract.ts'
import { keyValueContract } from '../../../services/key-value-contract.ts'
import { lockContract } from '../../../services/lock-contract.ts'
import { type CrewMember, crew, turns } from './crew.ts'

keyValueContract('of workers', () => {
  const { clock, members } = crew(2)
  const [first] = members as [CrewMember]
  const advance = (ms: number) => clock.advance(ms)
  return { one: first.keyValue('one'), other: first.keyValue('other'), advance }
})

lockContract('of workers', () => {
  const { clock, members } = crew(2)
  const [{ lock }] = members as [CrewMember]
  const advance = async (ms: number) => {
    await turns()
    clock.advance(ms)
    await turns()
  }
  return { one: lineLock(lock, 'one'), other: lineLock(lock, 'other'), advance }
})

busContract('of workers, to itself', () => {
  const { clock, members } = crew(2)
  const [{ bus }] = members as [CrewMember]
  const advance = (ms: number) => clock.advance(ms)
  return { one: lineBus(bus, 'one'), other: lineBus(bus, 'other'), advance }
})

busContract('of workers, to each other', () => {
  const { clock, members } = crew(2)
  const [here, there] = members as [CrewMember, CrewMember]
  /** Asks one worker what another serves. */
  const joined = (line: string) => {
    const [asks, serves] = [lineBus(here.bus, line), lineBus(there.bus, line)]
    return {
      ...asks,
      replica: serves.replica,
      subscribe: serves.subscribe,
      answer: serves.answer,
      serve: serves.serve,
    }
  }
  const advance = (ms: number) => clock.advance(ms)
  return { one: joined('one'), other: joined('other'), advance }
})
