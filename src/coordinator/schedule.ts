/**
 * How the learning rate goes over a run. Time t counts epochs from 0: the epoch's number − 1, or, by round, the share of an
 * epoch that each round is.
 *
 *   geometric   rate · decay^t
 *   step        rate · decay^⌊t / stepEpochs⌋
 *   cosine      from rate to floor·rate along half a cosine of `epochs` epochs, then floor·rate (Loshchilov & Hutter, 2017)
 *
 * The first `warmup` rounds rise linearly to what the schedule says.
 */
export const SCHEDULES = ['geometric', 'cosine', 'step'] as const;
export const SCHEDULE_UNITS = ['epoch', 'round'] as const;

export type Schedule = {
  readonly kind: (typeof SCHEDULES)[number];
  readonly by: (typeof SCHEDULE_UNITS)[number];
  readonly rate: number;
  readonly decay: number;
  readonly stepEpochs: number;
  /** Length of the cosine, in epochs. */
  readonly epochs: number;
  /** Share of `rate` that the cosine ends at. */
  readonly floor: number;
  /** Rounds. */
  readonly warmup: number;
};

export const constantRate = (rate: number): Schedule => ({
  kind: 'geometric',
  by: 'epoch',
  rate,
  decay: 1,
  stepEpochs: 1,
  epochs: 1,
  floor: 1,
  warmup: 0,
});

/** The share of `rate` at time t. */
const shareAt = ({ kind, decay, stepEpochs, epochs, floor }: Schedule, t: number): number => {
  switch (kind) {
    case 'geometric':
      return decay ** t;
    case 'step':
      return decay ** Math.floor(t / stepEpochs);
    case 'cosine':
      return floor + ((1 - floor) * (1 + Math.cos(Math.PI * Math.min(1, t / epochs)))) / 2;
  }
};

/** The learning rate of a round (counted from 1). */
export const rateAt = (schedule: Schedule, round: number, roundsPerEpoch: number): number => {
  const t = schedule.by === 'round' ? (round - 1) / roundsPerEpoch : Math.ceil(round / roundsPerEpoch) - 1;
  const rate = schedule.rate * shareAt(schedule, t);
  return round <= schedule.warmup ? (rate * round) / schedule.warmup : rate;
};
