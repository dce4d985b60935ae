import { bytes, joules, millis, seconds } from '../../../src/base/units.js';
import type { EpochFinished } from '../../../src/events/evaluation.js';
import type { VirtualRound } from '../../../src/events/outcomes.js';
import type { RoundFinished } from '../../../src/events/round.js';
import type { RunFinished, RunStarted } from '../../../src/events/run-event.js';
import { IDLE_THREADS, trafficLine } from '../coordinator/samples.js';

/** Plausible events for observers under test. */
export const runStarted = (changes: Partial<RunStarted> = {}): RunStarted => ({
  type: 'run-started',
  devices: 671,
  items: 9066,
  parameters: 1_200_000,
  ratings: { train: 80_000, valid: 10_000, test: 10_004 },
  roundsPerEpoch: 10,
  rounds: (changes.epochs ?? 4) * (changes.roundsPerEpoch ?? 10),
  metrics: ['mae', 'mse'],
  stopOn: 'mse',
  ends: null,
  epochs: 4,
  round: 0,
  fleet: null,
  ...changes,
});

export const roundFinished = (changes: Partial<RoundFinished> = {}): RoundFinished => ({
  type: 'round',
  round: 1,
  epoch: 1,
  cohort: 64,
  ratings: 64,
  loss: 0.9,
  gradientNorm: 1.5,
  clipped: false,
  privacy: null,
  traffic: [trafficLine('model', 'down', 64, 64_000), trafficLine('gradient', 'up', 64, 6_400)],
  millis: millis(10),
  phases: { sample: millis(1), generate: millis(3), devices: millis(2), backward: millis(2), step: millis(2) },
  deviceMillis: Array.from({ length: 64 }, (_, index) => millis(0.01 * (index + 1))),
  activated: 2,
  evicted: 1,
  residentModels: 100,
  residentBytes: bytes(5_000_000),
  retries: 0,
  outcomes: { assigned: 64, carried: 0, trained: 64, refused: {}, dropped: {}, rejected: {}, late: 0, inFlight: 0 },
  duplicates: 0,
  rejections: [],
  staleness: [64],
  virtual: null,
  ...IDLE_THREADS,
  cpuMillis: millis(15),
  kernelBytes: bytes(1e6),
  ...changes,
});

const FIFTH = [0, 0, 0, 10, 0, 0, 0, 0, 0];
/** Ten devices of each profile were asked, and had used a fifth of every budget. */
export const virtualRound = (profiles: readonly string[], latencies: readonly number[]): VirtualRound => ({
  start: seconds(0),
  end: seconds(Math.max(...latencies)),
  latencies: latencies.map(seconds),
  ...{ down: seconds(1), compute: seconds(1), up: seconds(1) },
  profiles: profiles.map((name) => ({
    ...{ name, assigned: 10, trained: 8, refused: 1, dropped: 1, rejected: 0, late: 0, operations: 1000 },
    ...{ energy: joules(2), bytesDown: bytes(1000), bytesUp: bytes(100) },
    budgets: { memory: FIFTH, storage: FIFTH, dataPlan: FIFTH, battery: FIFTH, compute: FIFTH },
  })),
});

export const epochFinished = (changes: Partial<EpochFinished> = {}): EpochFinished => ({
  type: 'epoch',
  epoch: 1,
  round: 10,
  trainLoss: 0.95,
  virtualTime: null,
  valid: { count: 10_000, metrics: { mae: 0.7, mse: 0.83 } },
  test: { count: 10_004, metrics: { mae: 0.71, mse: 0.84 } },
  groups: [],
  best: true,
  traffic: [trafficLine('evaluate', 'down', 671, 671_000)],
  millis: millis(300),
  ...changes,
});

export const runFinished = (changes: Partial<RunFinished> = {}): RunFinished => ({
  type: 'run-finished',
  reason: 'completed',
  round: 40,
  epoch: 4,
  digest: 'ab'.repeat(32),
  millis: millis(2000),
  ...changes,
});
