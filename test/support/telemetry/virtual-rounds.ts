import { type Bytes, bytes, type Joules, type Seconds } from '../../../src/base/units.js';
import type { ProfileRound, VirtualRound } from '../../../src/events/outcomes.js';
import type { RoundFinished } from '../../../src/events/round.js';
import type { RunStarted } from '../../../src/events/run-event.js';
import { round, started } from './telemetry-events.js';

/** What a fleet of two classes tells of itself, whatever its size. */
const seconds = (value: number): Seconds => value as Seconds;

const BINS = { memory: [10, 0, 0, 0, 0, 0, 0, 0, 0], storage: [0, 0, 10, 0, 0, 0, 0, 0, 0], compute: [0, 0, 0, 0, 10, 0, 0, 0, 0] };

const classRound = (name: string, changes: Partial<ProfileRound> = {}): ProfileRound => ({
  name,
  assigned: 10,
  trained: 6,
  refused: 2,
  dropped: 1,
  rejected: 1,
  late: 0,
  energy: 12.5 as Joules,
  bytesDown: bytes(1000),
  bytesUp: bytes(100) as Bytes,
  operations: 5000,
  budgets: { ...BINS, dataPlan: [0, 0, 0, 0, 0, 0, 4, 4, 2], battery: [0, 0, 0, 0, 0, 9, 0, 1, 0] },
  ...changes,
});

const virtual: VirtualRound = {
  start: seconds(100),
  end: seconds(130),
  latencies: [seconds(3), seconds(20)],
  down: seconds(8),
  compute: seconds(10),
  up: seconds(5),
  profiles: [classRound('watch'), classRound('phone')],
};

export const fleetStarted = (devices: number): RunStarted => ({
  ...started(devices),
  fleet: { policy: 'deadline', profiles: ['watch', 'phone'].map((name) => ({ name, devices: devices / 2 })) },
});

export const fleetRound = (cohort: number): RoundFinished =>
  round(cohort, {
    virtual,
    outcomes: {
      assigned: cohort + 20,
      carried: 0,
      trained: cohort,
      refused: { battery: 3, 'data plan': 1 },
      dropped: { during: 2 },
      rejected: { norm: 4, 'not-finite': 1 },
      late: 5,
      inFlight: 4,
    },
    duplicates: 2,
    staleness: [cohort - 3, 2, 1],
  });
