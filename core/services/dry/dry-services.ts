import {
  Bus,
  Calls,
  Catalog,
  Events,
  Http,
  KeyValue,
  ServiceError,
  Upstreams,
} from '../../../sdk/index.ts'
import type { Services } from '../../hooks/container.ts'
import { DryKeyValue } from './dry-key-value.ts'
import type { DryRun, DryRuns } from './dry-runs.ts'

/**
 * Gives a plugin line services that know when it runs dry: `KeyValue` keeps apart what is written then, and
 * what acts on others throws ServiceError `DRY_RUN`. For lines whose plugin says that it can run dry.
 */
export function dryServices(line: Services, id: string, runs: DryRuns): void {
  const running = (): DryRun | undefined => runs.of(id)
  const act = (what: string): void => {
    if (running() === undefined) return
    const hint = 'Read `call.dry`, and leave out then what others would notice.'
    throw new ServiceError('DRY_RUN', `a dry run ${what}`, hint)
  }
  line
    .wrap(KeyValue, (real) => new DryKeyValue(real, running))
    .wrap(Events, (real) => ({
      emit(name, fields) {
        act('emits no events')
        real.emit(name, fields)
      },
    }))
    .wrap(Http, (real) => ({
      async request(url, options) {
        act('sends no requests')
        return real.request(url, options)
      },
    }))
    .wrap(Calls, (real) => ({
      call(caller, name, args, options) {
        act('calls nothing')
        return real.call(caller, name, args, options)
      },
      list: (caller, options) => real.list(caller, options),
    }))
    .wrap(Catalog, (real) => ({
      get revision() {
        return real.revision
      },
      get entries() {
        return real.entries
      },
      invalidate(scope) {
        act('invalidates nothing')
        real.invalidate(scope)
      },
    }))
    .wrap(Upstreams, (real) => ({
      status: () => real.status(),
      address: (id) => real.address(id),
      refresh(id) {
        act('refreshes no upstream')
        real.refresh(id)
      },
      async reconnect(id) {
        act('reconnects no upstream')
        return real.reconnect(id)
      },
    }))
    .wrap(Bus, (real) => ({
      replica: real.replica,
      publish(topic, message) {
        act('publishes nothing')
        return real.publish(topic, message)
      },
      subscribe: (topic, listener) => real.subscribe(topic, listener),
      async request(owner, topic, message, options) {
        act('asks no replica')
        return real.request(owner, topic, message, options)
      },
      answer: (topic, handler) => real.answer(topic, handler),
      async stream(owner, topic, message, options) {
        act('asks no replica')
        return real.stream(owner, topic, message, options)
      },
      serve: (topic, handler) => real.serve(topic, handler),
    }))
}
