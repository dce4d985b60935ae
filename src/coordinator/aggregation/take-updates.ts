import type { Algorithm } from '../../algorithms/port/algorithm.js';
import type { ClientUpdate, ServerHalf } from '../../algorithms/port/server.js';
import type { Aggregator } from './aggregator.js';
import { createUpdateSums } from './update-sums.js';

/** Hands a round's accepted updates, in DeviceId order, to the server half: one by one or as their sum. */
export type TakeUpdates = (updates: readonly ClientUpdate[]) => void;

export const createTakeUpdates = (
  { name, traits, wire }: Pick<Algorithm, 'name' | 'traits' | 'wire'>,
  server: ServerHalf,
  items: number,
  aggregator: Aggregator,
): TakeUpdates => {
  const missing = traits.aggregation === 'each' ? server.accumulate === undefined : server.apply === undefined;
  if (missing) throw new Error(`algorithm ${name}: its server half lacks ${traits.aggregation === 'each' ? 'accumulate' : 'apply'}`);
  const sums = traits.aggregation === 'sum' ? createUpdateSums(wire.up, items, wire.weighting) : undefined;
  return (updates) => {
    const combined = aggregator.combine(updates);
    if (combined.kind === 'sum') {
      if (sums === undefined) throw new Error(`algorithm ${name}: takes each update by itself, and the aggregator left their sum`);
      server.apply?.(combined.sum);
    } else if (combined.updates.length === 0) return;
    else if (sums !== undefined) server.apply?.(sums.of(combined.updates));
    else server.accumulate?.(combined.updates);
  };
};
