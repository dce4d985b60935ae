import type { Interactions } from '../../algorithms/port/client.js';
import { distinctRows } from '../../algorithms/port/rows.js';
import { distinct, random } from '../../base/random.js';
import type { DeviceId } from '../../base/units.js';
import type { Purpose } from '../../messages/message.js';

/** The choice of a device's batch depends on (seed, round, device) alone. It is the same on any host, and when a round runs again. */
export type BatchOptions = { readonly seed: number; readonly ratings: number | 'all'; readonly decoys: number; readonly items: number };

/** `ratings` distinct ratings of the device, in the order in which its user gave them, or all if there are no more. */
export const batchOf = (train: Interactions, { seed, ratings }: BatchOptions, round: number, device: DeviceId): Interactions => {
  if (ratings === 'all' || ratings >= train.items.length) return train;
  const chosen = distinct(ratings, train.items.length, random(seed, 'batch', round, device)).sort();
  const items = new Uint32Array(chosen.length);
  const values = new Float32Array(chosen.length);
  for (let i = 0; i < chosen.length; i++) {
    items[i] = train.items[chosen[i]!]!;
    values[i] = train.values[chosen[i]!]!;
  }
  return { items, values };
};

/**
 * The items of a batch among `decoys` others, ascending. The others are drawn uniformly from the rest.
 * So only the device knows which of them its user rated.
 * The upload of a round hides among the decoys of its download. A measurement in that round has other decoys.
 * With other decoys for the upload, or the same for the measurement, the common items of two sets would be the real ones.
 */
export const withDecoys = (
  items: ArrayLike<number>,
  { seed, decoys, items: count }: BatchOptions,
  purpose: Purpose,
  round: number,
  device: DeviceId,
): Uint32Array => {
  const real = distinctRows(items);
  const wanted = Math.min(count, real.length + decoys);
  if (wanted === real.length) return real;
  const rows = new Set(real);
  const source = random(seed, 'decoys', purpose, round, device);
  while (rows.size < wanted) rows.add(source.integer(count));
  return Uint32Array.from(rows).sort();
};
