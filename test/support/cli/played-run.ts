import { afterEach, beforeEach, vi } from 'vitest';
import { bytes, millis } from '../../../src/base/units.js';
import type { EpochFinished } from '../../../src/events/evaluation.js';
import type { RoundFinished } from '../../../src/events/round.js';
import type { RunEvent } from '../../../src/events/run-event.js';
import { IDLE_THREADS, trafficLine } from '../coordinator/samples.js';

/** A run of four epochs of 100 rounds, played against a clock that the test moves. */
export const started = (round = 0): RunEvent => ({
  type: 'run-started',
  devices: 671,
  items: 9066,
  parameters: 1000,
  ratings: { train: 80, valid: 10, test: 10 },
  roundsPerEpoch: 100,
  rounds: 400,
  metrics: ['mae', 'mse'],
  stopOn: 'mse',
  ends: null,
  epochs: 4,
  round,
  fleet: null,
});
export const round = (number: number): RoundFinished => ({
  type: 'round',
  round: number,
  epoch: Math.ceil(number / 100),
  cohort: 64,
  ratings: 64,
  loss: 0.9,
  gradientNorm: 1,
  clipped: false,
  privacy: null,
  traffic: [trafficLine('model', 'down', 64, 64_000), trafficLine('gradient', 'up', 64, 6400)],
  millis: millis(50),
  phases: { sample: millis(1), generate: millis(1), devices: millis(1), backward: millis(1), step: millis(1) },
  deviceMillis: [],
  activated: 0,
  evicted: 0,
  residentModels: 0,
  residentBytes: bytes(0),
  retries: 0,
  outcomes: { assigned: 64, carried: 0, trained: 64, refused: {}, dropped: {}, rejected: {}, late: 0, inFlight: 0 },
  duplicates: 0,
  rejections: [],
  staleness: [64],
  virtual: null,
  ...IDLE_THREADS,
  cpuMillis: millis(15),
  kernelBytes: bytes(0),
});
export const epoch = (number: number, mse: number, best: boolean): EpochFinished => ({
  type: 'epoch',
  epoch: number,
  round: number * 100,
  trainLoss: 0.9,
  virtualTime: null,
  best,
  valid: { count: 1, metrics: { mae: 0.7, mse } },
  test: { count: 1, metrics: { mae: 0.123, mse: 0.456 } },
  groups: [],
  traffic: [],
  millis: millis(1),
});

let now = 0;
export const clock = () => millis(now);
export const pass = (time: number): void => {
  now += time;
  vi.advanceTimersByTime(time);
};

/** Before each test of the file: the clock at 0, and a terminal that has colours. */
export const useFakeClock = (): void => {
  beforeEach(() => {
    now = 0;
    vi.useFakeTimers();
    vi.stubEnv('NO_COLOR', '');
    vi.stubEnv('TERM', 'xterm');
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllEnvs();
  });
};

/** Rounds of 50 ms, an evaluation of 1 s. */
export const play = (observe: (event: RunEvent) => void, from: number, to: number): void => {
  for (let number = from; number <= to; number++) {
    pass(50);
    observe(round(number));
    if (number % 100 === 0) {
      pass(1000);
      observe(epoch(number / 100, number === 100 ? 0.81 : 0.85, number === 100));
    }
  }
};
