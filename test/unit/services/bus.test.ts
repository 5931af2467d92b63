import { Wheel } from '../../../core/hooks/wheel.ts'
import { lineBus } from '../../../core/services/line-services.ts'
import { MemoryBus } from '../../../core/services/memory-bus.ts'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { busContract } from '../../services/bus-contract.ts'

busContract('memory', () => {
  const clock = new FakeClock()
  const bus = new MemoryBus('here', new Wheel(clock), () => {})
  return {
    one: lineBus(bus, 'one'),
    other: lineBus(bus, 'other'),
    advance: (ms) => clock.advance(ms),
  }
})
