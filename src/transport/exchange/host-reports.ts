import { bytes, type Millis, millis } from '../../base/units.js';
import type { HostsReport } from '../../coordinator/round/devices.js';
import type { ThreadUse } from '../../events/round.js';
import type { Direction } from '../../events/traffic.js';
import type { FrameUp, StoreUsage } from './envelope.js';

/** The reports that come with hosts' answers: their stores of models, their threads, the time of devices and of waiting frames. */
export type HostReports = {
  /** A host is there, for the first time or after a restart. It holds no model. */
  readonly attached: (host: number) => void;
  /** `waited`: how long the frame waited for this side. */
  readonly count: (host: number, up: FrameUp, waited: Millis) => void;
  /** The counts since the last call. */
  readonly take: () => Omit<HostsReport, 'threads' | 'flights' | 'map'> & { readonly host: ThreadUse };
};

const NO_USE: ThreadUse = { lagMillis: millis(0), gcMillis: millis(0), heapBytes: bytes(0) };
const NO_USAGE: StoreUsage = { models: 0, bytes: bytes(0), evicted: 0, delivered: 0 };

/** The longest delay of any host, and the sums of the rest. */
const togetherOf = (uses: readonly ThreadUse[]): ThreadUse => ({
  lagMillis: millis(Math.max(...uses.map(({ lagMillis }) => lagMillis))),
  gcMillis: millis(uses.reduce((sum, { gcMillis }) => sum + gcMillis, 0)),
  heapBytes: bytes(uses.reduce((sum, { heapBytes }) => sum + heapBytes, 0)),
});

export const createHostReports = (hosts: number): HostReports => {
  const stores = Array.from({ length: hosts }, () => NO_USAGE);
  const uses = Array.from({ length: hosts }, () => NO_USE);
  let queueMillis: Record<Direction, Millis[]> = { down: [], up: [] };
  let deviceMillis: Millis[] = [];
  let evicted = 0;
  let activated = 0;
  return {
    attached: (host) => {
      stores[host] = NO_USAGE;
    },
    count: (host, { store, deviceMillis: times, waited: waitedDown, thread }, waited) => {
      const { lagMillis, gcMillis } = uses[host]!;
      uses[host] = {
        lagMillis: millis(Math.max(lagMillis, thread.lagMillis)),
        gcMillis: millis(gcMillis + thread.gcMillis),
        heapBytes: thread.heapBytes,
      };
      queueMillis.down.push(waitedDown);
      queueMillis.up.push(waited);
      const before = stores[host]!;
      evicted += store.evicted - before.evicted;
      activated += store.delivered - before.delivered;
      stores[host] = store;
      deviceMillis.push(...times);
    },
    take: () => {
      const report = {
        queueMillis,
        host: togetherOf(uses),
        deviceMillis,
        activated,
        evicted,
        residentModels: stores.reduce((sum, { models }) => sum + models, 0),
        residentBytes: bytes(stores.reduce((sum, { bytes: held }) => sum + held, 0)),
      };
      queueMillis = { down: [], up: [] };
      uses.forEach(({ heapBytes }, host) => {
        uses[host] = { ...NO_USE, heapBytes };
      });
      deviceMillis = [];
      evicted = 0;
      activated = 0;
      return report;
    },
  };
};
