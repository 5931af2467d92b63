import type { Bus, Lock, Seal } from '../../sdk/index.ts'
import type { Sealer } from '../kernel/ports.ts'

// Ids of plugin lines hold no slash, so that no two lines can make the same name.

/** A bus on which only the same plugin line of other replicas is heard. */
export function lineBus(bus: Bus, id: string): Bus {
  const own = (topic: string) => `${id}/${topic}`
  return {
    replica: bus.replica,
    publish: (topic, message) => bus.publish(own(topic), message),
    subscribe: (topic, listener) => bus.subscribe(own(topic), listener),
    request: (owner, topic, message, options) => bus.request(owner, own(topic), message, options),
    answer: (topic, handler) => bus.answer(own(topic), handler),
    stream: (owner, topic, message, options) => bus.stream(owner, own(topic), message, options),
    serve: (topic, handler) => bus.serve(own(topic), handler),
  }
}

/** Locks of one plugin line. */
export function lineLock(lock: Lock, id: string): Lock {
  return { hold: (name, options, work) => lock.hold(`${id}/${name}`, options, work) }
}

/** A seal that opens nothing that another plugin line, or the gateway itself, has sealed. */
export function lineSeal(sealer: Sealer, id: string): Seal {
  const own = (purpose: string) => `plugin/${id}/${purpose}`
  return {
    seal: (facts, purpose) => sealer.seal(facts, own(purpose)),
    open: (text, purpose) => sealer.open(text, own(purpose)),
  }
}
