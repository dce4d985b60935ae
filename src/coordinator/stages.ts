import { type Seconds, seconds } from '../base/units.js';

/**
 * How many devices take part, and in what cohorts, as a run goes on: a list of stages. In each stage, values move in a straight line
 * from what they were to the stage's own (k6's ramping executors). A run with stages ends with the last one.
 *
 *   unit rounds    a stage lasts so many rounds
 *   unit virtual   so many seconds of the simulated fleet's time
 *   unit wall      so many seconds on this machine: which rounds fall into a stage depends on how fast they are
 *
 *   devices    the first so many devices of the fleet take part
 *   cohort     devices a round
 *   arrivals   devices a virtual second that check in: a round begins once its cohort has arrived, or at once where more are waiting
 */
export const STAGE_UNITS = ['rounds', 'virtual', 'wall'] as const;
export type StageUnit = (typeof STAGE_UNITS)[number];

/** What a stage does not say stays as the stage before left it. */
export type Stage = {
  readonly length: number;
  readonly devices?: number | undefined;
  readonly cohort?: number | undefined;
  readonly arrivals?: number | undefined;
};

export type Stages = { readonly unit: StageUnit; readonly list: readonly Stage[] };

export const RAMPED = ['devices', 'cohort', 'arrivals'] as const;
export type Ramped = (typeof RAMPED)[number];

export const lengthOf = ({ list }: Stages): number => list.reduce((sum, { length }) => sum + length, 0);

/** The value of a ramp at a position, `start` before the first stage that has one; a stage of length 0 is a jump. */
export const rampAt = ({ list }: Stages, key: Ramped, position: number, start: number): number => {
  let value = start;
  let from = 0;
  for (const stage of list) {
    const to = stage[key] ?? value;
    if (position < from + stage.length) return value + ((to - value) * (position - from)) / stage.length;
    value = to;
    from += stage.length;
  }
  return value;
};

/** ∫ arrivals dt from 0 to a virtual time. */
export const arrivedBy = (stages: Stages, time: number): number => {
  let sum = 0;
  let from = 0;
  let rate = 0;
  for (const { length, arrivals } of stages.list) {
    const to = arrivals ?? rate;
    if (time < from + length) {
      const span = Math.max(0, time - from);
      return sum + span * (rate + (to - rate) * (span / length / 2));
    }
    sum += (length * (rate + to)) / 2;
    rate = to;
    from += length;
  }
  return sum + rate * (time - from);
};

/** When so many devices have arrived: by bisection, to the microsecond; the stages' end where they never do. */
const timeOf = (stages: Stages, count: number, now: number): number => {
  const end = lengthOf(stages);
  if (arrivedBy(stages, now) >= count || now >= end) return now;
  if (arrivedBy(stages, end) < count) return end;
  let low = now;
  let high = end;
  while (high - low > 1e-6) {
    const middle = (low + high) / 2;
    if (arrivedBy(stages, middle) < count) low = middle;
    else high = middle;
  }
  return high;
};

export type Position = {
  readonly round: number;
  readonly now: Seconds;
  /** Devices asked in all rounds before. */
  readonly asked: number;
  /** Wall seconds since training began. */
  readonly wall: number;
};

export type Load = {
  /** The first so many devices take part. */
  readonly devices: number;
  readonly cohort: number;
  /** When the round begins: now, or later where it waits for devices to arrive. */
  readonly start: Seconds;
  readonly isOver: boolean;
};

export type LoadPlan = { readonly devices: number; readonly cohort: number; readonly stages: Stages };

/** What a round is to be. Without stages, always the same. */
export const loadAt = ({ devices, cohort, stages }: LoadPlan, { round, now, asked, wall }: Position): Load => {
  if (stages.list.length === 0) return { devices, cohort, start: now, isOver: false };
  const position = { rounds: round - 1, virtual: now, wall }[stages.unit];
  const population = Math.min(devices, Math.max(1, Math.round(rampAt(stages, 'devices', position, devices))));
  const size = Math.min(population, Math.max(1, Math.round(rampAt(stages, 'cohort', position, cohort))));
  const waits = stages.list.some(({ arrivals }) => arrivals !== undefined);
  const start = waits ? seconds(timeOf(stages, asked + size, now)) : now;
  const isOver = position >= lengthOf(stages) || (waits && start >= lengthOf(stages));
  return { devices: population, cohort: size, start, isOver };
};
