import type { Algorithm } from '../../algorithms/port/algorithm.js';
import type { ClientUpdate, ServerHalf, UpdateSum } from '../../algorithms/port/server.js';
import { NO_SERVER_STEPS, type ServerSteps } from '../../updates/server-steps.js';
import type { Aggregator } from './aggregator.js';
import { createUpdateSums } from './update-sums.js';

/** A round whose updates are taken: its number, and how many devices it was to ask. `marks`: Σ of what update steps said of updates. */
export type RoundTaken = { readonly round: number; readonly cohort: number; readonly marks: readonly number[] };

/** Hands a round's accepted updates, in DeviceId order, to the server half: one by one or as their sum. */
export type TakeUpdates = {
  /** Whether a round without any update is to be taken, too: its sum has noise. */
  readonly takesNone: boolean;
  take(updates: readonly ClientUpdate[], round: RoundTaken): void;
  /** A sum of updates that nobody sees one by one: tensors with a row for every item. */
  takeSum(sum: UpdateSum, round: RoundTaken): void;
};

export const createTakeUpdates = (
  { name, traits, wire }: Pick<Algorithm, 'name' | 'traits' | 'wire'>,
  server: ServerHalf,
  items: number,
  aggregator: Aggregator,
  steps: ServerSteps = NO_SERVER_STEPS,
): TakeUpdates => {
  const missing = traits.aggregation === 'each' ? server.accumulate === undefined : server.apply === undefined;
  if (missing) throw new Error(`algorithm ${name}: its server half lacks ${traits.aggregation === 'each' ? 'accumulate' : 'apply'}`);
  const weighting = steps.changeSum ? 'uniform' : wire.weighting;
  const sums = traits.aggregation === 'sum' ? createUpdateSums(wire.up, items, weighting) : undefined;
  /** Server halves of steps change the sum, and every mean divides by the expected cohort: how many devices have a row is private, too. */
  const takeSum: TakeUpdates['takeSum'] = (sum, { round, cohort, marks }) => {
    if (!steps.changeSum) return server.apply?.(sum);
    steps.aggregate({ tensors: sum.tensors, cohort }, round, marks);
    sum.rowWeights.fill(cohort);
    server.apply?.({ ...sum, weight: cohort });
  };
  return {
    takesNone: steps.changeSum,
    takeSum,
    take: (updates, round) => {
      const combined = updates.length === 0 ? { kind: 'updates' as const, updates } : aggregator.combine(updates);
      if (combined.kind === 'sum') {
        if (sums === undefined) throw new Error(`algorithm ${name}: takes each update by itself, and the aggregator left their sum`);
        takeSum(combined.sum, round);
      } else if (combined.updates.length === 0 && !steps.changeSum) return;
      else if (sums !== undefined) takeSum(sums.of(combined.updates), round);
      else server.accumulate?.(combined.updates);
    },
  };
};
