import type { Millis } from '../base/units.js';
import type { RunEvent, RunStarted } from '../events/run-event.js';

export type Pace = {
  observe(event: RunEvent, now: Millis): void;
  /** Milliseconds until the last epoch is evaluated; `atLeast` while no evaluation has been timed. undefined before the first round. */
  remaining(now: Millis): { readonly millis: number; readonly atLeast: boolean } | undefined;
  /** Over about the last RATE_MILLIS of rounds, evaluation left out; undefined before the first round. */
  recent(): { readonly devicesPerSecond: number; readonly ratingsPerSecond: number; readonly loss: number } | undefined;
};

const RATE_MILLIS = 15_000;
const END_MILLIS = 5_000;

/**
 * How fast a run goes and when it ends. Time is what passes between events where they are observed, so that whatever
 * else a round costs is in it. Sums decay with time, not with rounds: events that arrive in bursts do no harm.
 */
export const createPace = (): Pace => {
  let plan: Pick<RunStarted, 'rounds' | 'epochs' | 'roundsPerEpoch' | 'ends'> = { rounds: 0, epochs: 0, roundsPerEpoch: 1, ends: null };
  let began = 0;
  /** Virtual time of the last round's end. */
  let virtual: number | undefined;
  let round = 0;
  let epoch = 0;
  let before: number | undefined;
  let evaluation: number | undefined;
  let end: number | undefined;
  let estimates = 0;
  const sums = { time: 0, rounds: 0, devices: 0, ratings: 0, loss: 0, virtual: 0 };

  const fade = (elapsed: number): void => {
    const keep = Math.exp(-elapsed / RATE_MILLIS);
    for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] *= keep;
    sums.time += elapsed;
  };
  const roundsLeft = (): number => {
    const most = plan.rounds - round;
    if (plan.ends?.unit !== 'virtual' || sums.virtual <= 0) return most;
    return Math.min(most, (Math.max(0, plan.ends.after - (virtual ?? 0)) * sums.rounds) / sums.virtual);
  };
  /** What was left at `at`, by the sums as they stand; the end moves there as the mean of estimates at first, then over END_MILLIS. */
  const estimate = (at: number, elapsed: number): void => {
    const rounds = roundsLeft();
    const epochs = plan.ends === null ? plan.epochs - epoch : rounds / Math.max(1, plan.roundsPerEpoch);
    const left = rounds * (sums.time / sums.rounds) + epochs * (evaluation ?? 0);
    const gain = Math.max(1 / (estimates + 1), 1 - Math.exp(-elapsed / END_MILLIS));
    end = end === undefined ? at + left : end + gain * (at + left - end);
    estimates++;
  };

  return {
    observe(event, now) {
      const elapsed = before === undefined ? 0 : Math.max(0, now - before);
      switch (event.type) {
        case 'run-started':
          plan = event;
          began = now;
          virtual = undefined;
          round = event.round;
          epoch = Math.floor(round / Math.max(1, plan.roundsPerEpoch));
          before = now;
          return;
        case 'coordinator-restored':
          round = event.round;
          epoch = Math.floor(round / Math.max(1, plan.roundsPerEpoch));
          before = now;
          return;
        case 'round':
          // Before this round is added: in a burst, its first round brings all of the time and one of the rounds.
          if (elapsed > 0 && sums.rounds > 0 && before !== undefined) estimate(before, elapsed);
          fade(elapsed);
          round = event.round;
          sums.rounds += 1;
          sums.devices += event.cohort;
          sums.ratings += event.ratings;
          sums.loss += event.loss * event.ratings;
          if (event.virtual !== null) {
            sums.virtual += event.virtual.end - (virtual ?? event.virtual.start);
            virtual = event.virtual.end;
          }
          before = now;
          if (end === undefined) {
            estimate(now, elapsed);
            estimates = 0;
          }
          return;
        case 'epoch': {
          // Per epoch: not every one need be evaluated.
          const measured = elapsed / Math.max(1, event.epoch - epoch);
          epoch = event.epoch;
          // The first one makes the end jump by all the evaluations to come: better late than smooth.
          if (evaluation === undefined) estimates = 0;
          evaluation = evaluation === undefined ? measured : evaluation + 0.3 * (measured - evaluation);
          before = now;
          if (sums.rounds > 0) estimate(now, elapsed);
          return;
        }
        case 'host-lost':
        case 'host-restored':
        case 'coordinator-lost':
        case 'checkpoint-failed':
        case 'checkpoint-refused':
        case 'checkpoint':
        case 'run-finished':
          return;
        default:
          event satisfies never;
      }
    },
    remaining: (now) => {
      if (end === undefined) return undefined;
      const last = plan.ends?.unit === 'wall' ? began + plan.ends.after * 1000 : end;
      return { millis: Math.max(0, last - now), atLeast: evaluation === undefined };
    },
    recent() {
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
