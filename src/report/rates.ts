import type { RoundFinished } from '../events/round.js';

/** What rounds have brought lately: sums that decay with time, not with rounds, so that events that arrive in bursts do no harm. */
export type Rates = {
  /** `elapsed`: ms since the event before. */
  readonly add: (round: RoundFinished, elapsed: number) => void;
  /** Virtual time begins anew with a run. */
  readonly begin: () => void;
  readonly isEmpty: () => boolean;
  readonly millisPerRound: () => number;
  /** Rounds until a virtual time in seconds; undefined while no virtual time has passed. */
  readonly roundsUntil: (virtualTime: number) => number | undefined;
  /** undefined before the first round. */
  readonly recent: () => { readonly devicesPerSecond: number; readonly ratingsPerSecond: number; readonly loss: number } | undefined;
};

const RATE_MILLIS = 15_000;

export const createRates = (): Rates => {
  /** Virtual time of the last round's end. */
  let virtual: number | undefined;
  const sums = { time: 0, rounds: 0, devices: 0, ratings: 0, loss: 0, virtual: 0 };

  const fade = (elapsed: number): void => {
    const keep = Math.exp(-elapsed / RATE_MILLIS);
    for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] *= keep;
    sums.time += elapsed;
  };

  return {
    add: (round, elapsed) => {
      fade(elapsed);
      sums.rounds += 1;
      sums.devices += round.cohort;
      sums.ratings += round.ratings;
      sums.loss += (round.loss ?? 0) * round.ratings;
      if (round.virtual === null) return;
      sums.virtual += round.virtual.end - (virtual ?? round.virtual.start);
      virtual = round.virtual.end;
    },
    begin: () => {
      virtual = undefined;
    },
    isEmpty: () => sums.rounds === 0,
    millisPerRound: () => sums.time / sums.rounds,
    roundsUntil: (virtualTime) =>
      sums.virtual <= 0 ? undefined : (Math.max(0, virtualTime - (virtual ?? 0)) * sums.rounds) / sums.virtual,
    recent: () => {
      if (sums.rounds === 0) return undefined;
      const seconds = Math.max(sums.time, 1e-3) / 1000;
      return {
        devicesPerSecond: sums.devices / seconds,
        ratingsPerSecond: sums.ratings / seconds,
        loss: sums.ratings === 0 ? Number.NaN : sums.loss / sums.ratings,
      };
    },
  };
};
