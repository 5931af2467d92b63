import { Wheel } from '../../../core/hooks/wheel.ts'
import { lineLock } from '../../../core/services/line-services.ts'
import { MemoryLock } from '../../../core/services/memory-lock.ts'
import { FakeClock } from '../../../sdk/testing/clock.ts'
import { lockContract } from '../../services/lock-contract.ts'

lockContract('memory', () => {
  const clock = new FakeClock()
  const lock = new MemoryLock(new Wheel(clock))
  return {
    one: lineLock(lock, 'one'),
    other: lineLock(lock, 'other'),
    advance: (ms) => clock.advance(ms),
  }
})
