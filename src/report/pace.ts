import type { Millis } from '../base/units.js';
import type { RoundFinished } from '../events/round.js';
import type { RunEvent, RunStarted } from '../events/run-event.js';
import { createRates, type Rates } from './rates.js';

export type Pace = {
  observe(event: RunEvent, now: Millis): void;
  /** Milliseconds until the last epoch is evaluated; `atLeast` while no evaluation has been timed. undefined before the first round. */
  remaining(now: Millis): { readonly millis: number; readonly atLeast: boolean } | undefined;
  /** Over about the last 15 seconds of rounds, evaluation left out; undefined before the first round. */
  readonly recent: Rates['recent'];
};

const END_MILLIS = 5_000;

/** How much the latest evaluation counts in their mean time. */
const EVALUATION_GAIN = 0.3;

type Plan = Pick<RunStarted, 'rounds' | 'epochs' | 'roundsPerEpoch' | 'ends'>;
const NO_PLAN: Plan = { rounds: 0, epochs: 0, roundsPerEpoch: 1, ends: null };

const roundsLeft = ({ rounds, ends }: Plan, round: number, rates: Rates): number => {
  const most = rounds - round;
  return ends?.unit === 'virtual' ? Math.min(most, rates.roundsUntil(ends.after) ?? most) : most;
};

/** When a run ends: the mean of estimates at first, then over END_MILLIS. */
const createEnd = () => {
  let end: number | undefined;
  let estimates = 0;
  return {
    at: (): number | undefined => end,
    move: (estimate: number, elapsed: number): void => {
      const gain = Math.max(1 / (estimates + 1), 1 - Math.exp(-elapsed / END_MILLIS));
      end = end === undefined ? estimate : end + gain * (estimate - end);
      estimates++;
    },
    /** The next estimate counts alone: the end jumps there. */
    jump: (): void => {
      estimates = 0;
    },
  };
};

/**
 * How fast a run goes and when it ends. Time is what passes between events where they are observed, so that whatever
 * else a round costs is in it.
 */
export const createPace = (): Pace => {
  let plan = NO_PLAN;
  let began = 0;
  let reached = { round: 0, epoch: 0 };
  let before: number | undefined;
  let evaluation: number | undefined;
  const end = createEnd();
  const rates = createRates();

  const goOnFrom = (round: number): void => {
    reached = { round, epoch: Math.floor(round / Math.max(1, plan.roundsPerEpoch)) };
  };
  /** What was left at `at`, by the rates as they stand. */
  const estimate = (at: number, elapsed: number): void => {
    const rounds = roundsLeft(plan, reached.round, rates);
    const epochs = plan.ends === null ? plan.epochs - reached.epoch : rounds / Math.max(1, plan.roundsPerEpoch);
    const left = rounds * rates.millisPerRound() + epochs * (evaluation ?? 0);
    end.move(at + left, elapsed);
  };
  const onRound = (event: RoundFinished, now: Millis, elapsed: number): void => {
    // Before this round is added: in a burst, its first round brings all of the time and one of the rounds.
    if (elapsed > 0 && !rates.isEmpty() && before !== undefined) estimate(before, elapsed);
    rates.add(event, elapsed);
    reached = { ...reached, round: event.round };
    if (end.at() !== undefined) return;
    estimate(now, elapsed);
    end.jump();
  };
  const onEpoch = (epoch: number, now: Millis, elapsed: number): void => {
    // Per epoch: not every one need be evaluated.
    const measured = elapsed / Math.max(1, epoch - reached.epoch);
    reached = { ...reached, epoch };
    // The first one makes the end jump by all the evaluations to come: better late than smooth.
    if (evaluation === undefined) end.jump();
    evaluation = evaluation === undefined ? measured : evaluation + EVALUATION_GAIN * (measured - evaluation);
    if (!rates.isEmpty()) estimate(now, elapsed);
  };

  return {
    observe(event, now) {
      const elapsed = before === undefined ? 0 : Math.max(0, now - before);
      switch (event.type) {
        case 'run-started':
          plan = event;
          began = now;
          rates.begin();
          goOnFrom(event.round);
          break;
        case 'coordinator-restored':
          goOnFrom(event.round);
          break;
        case 'round':
          onRound(event, now, elapsed);
          break;
        case 'epoch':
          onEpoch(event.epoch, now, elapsed);
          break;
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
      before = now;
    },
    remaining: (now) => {
      const estimated = end.at();
      if (estimated === undefined) return undefined;
      const last = plan.ends?.unit === 'wall' ? began + plan.ends.after * 1000 : estimated;
      return { millis: Math.max(0, last - now), atLeast: evaluation === undefined };
    },
    recent: rates.recent,
  };
};
