import { bytes, millis } from '../../../src/base/units.js';
import type { RoundFinished } from '../../../src/events/round.js';
import { SIZE_BOUNDS, type TrafficLine } from '../../../src/events/traffic.js';

/** Parts of events, for tests that observe them. All messages of a line have one size. */
export const trafficLine = (kind: string, direction: TrafficLine['direction'], messages: number, total: number): TrafficLine => {
  const bound = SIZE_BOUNDS.findIndex((most) => total / messages <= most);
  const sizes = SIZE_BOUNDS.map((_, index) => (index === bound ? messages : 0));
  return { kind, direction, dtype: 'f32', messages, bytes: bytes(total), sizes: [...sizes, bound < 0 ? messages : 0] };
};

export const IDLE_THREADS: Pick<RoundFinished, 'queueMillis' | 'threads' | 'flights' | 'map'> = {
  flights: [],
  map: { asked: new Uint32Array(4), answered: new Uint32Array(4) },
  queueMillis: { down: [], up: [] },
  threads: {
    coordinator: { lagMillis: millis(0), gcMillis: millis(0), heapBytes: bytes(0) },
    host: { lagMillis: millis(0), gcMillis: millis(0), heapBytes: bytes(0) },
  },
};
