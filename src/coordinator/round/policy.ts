import { type Seconds, seconds } from '../../base/units.js';
import type { PolicySettings } from '../settings.js';
import { byArrival, type ClientTask } from './client-task.js';

/**
 * When a round ends in virtual time, and which updates are part of it. K is the cohort.
 *
 *   wait-all   K devices are asked; the round ends when the last has answered or was given up after `timeout`
 *   deadline   overSelection·K are asked; the round ends after `deadline`, or when everyone has answered (Bonawitz et al., MLSys 2019)
 *   fastest    overSelection·K are asked; the round ends with the K-th update (the same, section 2.2)
 *   buffered   FedBuff (Nguyen et al., AISTATS 2022): `concurrency` devices are at work all the time; the round ends when K updates
 *              are in, whichever model they started from, and those of older models weigh less. Freed devices are replaced when the
 *              round ends, not one by one: what is asked in a round has one model, and can be computed at once.
 */

/** How many devices a round asks. */
export const askedIn = ({ kind, overSelection, concurrency }: PolicySettings, cohort: number, inFlight: number): number => {
  switch (kind) {
    case 'wait-all':
      return cohort;
    case 'deadline':
    case 'fastest':
      return Math.ceil(cohort * overSelection);
    case 'buffered':
      return Math.max(0, concurrency - inFlight);
  }
};

/** A round's end: every task is in one of the three. */
export type RoundClose = {
  /** In the order of their arrival. */
  readonly arrived: readonly ClientTask[];
  readonly late: readonly ClientTask[];
  /** At work beyond the round's end, for a later one. */
  readonly inFlight: readonly ClientTask[];
  readonly end: Seconds;
};

const isUpdate = ({ outcome }: ClientTask): boolean => outcome.kind === 'update';

/** The round ends after its first `count` events; what is beyond is late. */
const closeAfter = (ordered: readonly ClientTask[], count: number, end: Seconds): RoundClose => ({
  arrived: ordered.slice(0, count),
  late: ordered.slice(count),
  inFlight: [],
  end,
});

const lastArrival = (tasks: readonly ClientTask[], start: Seconds): Seconds => tasks.at(-1)?.arrives ?? start;

/** Events up to and including the `count`-th update; all, if there are not so many. */
const untilUpdates = (ordered: readonly ClientTask[], count: number): number => {
  let updates = 0;
  for (const [index, task] of ordered.entries()) {
    if (isUpdate(task)) updates += 1;
    if (updates === count) return index + 1;
  }
  return ordered.length;
};

/** Plays the events of a round that began at `start`. Nobody to wait for takes `timeout`: virtual time never stands still. */
export const closeRound = (policy: PolicySettings, cohort: number, tasks: readonly ClientTask[], start: Seconds): RoundClose => {
  const ordered = tasks.toSorted(byArrival);
  if (ordered.length === 0) return closeAfter(ordered, 0, seconds(start + policy.timeout));
  switch (policy.kind) {
    case 'wait-all':
      return closeAfter(ordered, ordered.length, lastArrival(ordered, start));
    case 'deadline': {
      const end = seconds(start + policy.deadline);
      const inTime = ordered.findIndex(({ arrives }) => arrives > end);
      return inTime < 0 ? closeAfter(ordered, ordered.length, lastArrival(ordered, start)) : closeAfter(ordered, inTime, end);
    }
    case 'fastest': {
      const count = untilUpdates(ordered, cohort);
      return closeAfter(ordered, count, lastArrival(ordered.slice(0, count), start));
    }
    case 'buffered': {
      const count = untilUpdates(ordered, cohort);
      const arrived = ordered.slice(0, count);
      return { arrived, late: [], inFlight: ordered.slice(count), end: lastArrival(arrived, start) };
    }
  }
};

export const weightOf = ({ weighting }: PolicySettings, staleness: number): number =>
  weighting === 'constant' ? 1 : 1 / Math.sqrt(1 + staleness);
