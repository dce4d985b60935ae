import { bytes, millis } from '../../../src/base/units.js';
import type { EpochFinished } from '../../../src/events/evaluation.js';
import type { RoundFinished } from '../../../src/events/round.js';
import type { RunStarted } from '../../../src/events/run-event.js';
import { IDLE_THREADS, trafficLine } from '../coordinator/samples.js';

/** A run, a round and an epoch of a fleet of any size. */
export const started = (devices: number): RunStarted => ({
  type: 'run-started',
  devices,
  items: 100,
  parameters: 1000,
  ratings: { train: 80, valid: 10, test: 10 },
  roundsPerEpoch: 10,
  rounds: 40,
  metrics: ['mae', 'mse'],
  stopOn: 'mse',
  ends: null,
  epochs: 2,
  round: 0,
  fleet: null,
});
export const round = (cohort: number, changes: Partial<RoundFinished> = {}): RoundFinished => ({
  type: 'round',
  round: 1,
  epoch: 1,
  cohort,
  ratings: 2 * cohort,
  loss: 0.9,
  gradientNorm: 1.5,
  clipped: true,
  privacy: null,
  traffic: [trafficLine('model', 'down', cohort, 1000 * cohort), trafficLine('gradient', 'up', cohort, 100 * cohort)],
  millis: millis(20),
  phases: { sample: millis(1), generate: millis(9), devices: millis(4), backward: millis(4), step: millis(2) },
  deviceMillis: Array.from({ length: cohort }, (_, index) => millis(0.01 * (index + 1))),
  activated: cohort,
  evicted: 1,
  residentModels: 50,
  residentBytes: bytes(5000),
  retries: 1,
  outcomes: { assigned: cohort, carried: 0, trained: cohort, refused: {}, dropped: {}, rejected: {}, late: 0, inFlight: 0 },
  duplicates: 0,
  rejections: [],
  staleness: [cohort],
  virtual: null,
  ...IDLE_THREADS,
  cpuMillis: millis(15),
  kernelBytes: bytes(1e6),
  ...changes,
});
export const epoch = (changes: Partial<EpochFinished> = {}): EpochFinished => ({
  type: 'epoch',
  epoch: 1,
  round: 10,
  trainLoss: 0.95,
  virtualTime: null,
  best: true,
  millis: millis(100),
  valid: { count: 10, metrics: { mae: 0.7, mse: 0.8 } },
  test: { count: 10, metrics: { mae: 0.71, mse: 0.81 } },
  groups: [],
  traffic: [trafficLine('model', 'down', 3, 300)],
  ...changes,
});
