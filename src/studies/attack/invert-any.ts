import type { Algorithm } from '../../algorithms/port/algorithm.js';
import type { Interactions } from '../../algorithms/port/client.js';
import { lowerBound } from '../../algorithms/port/rows.js';
import { random } from '../../base/random.js';
import { elements } from '../../messages/wire-tensor.js';
import type { Observation } from './observation.js';
import type { Prior } from './offset.js';

/** Passes over the ratings of an update, and most ratings that are tried. */
const SWEEPS = 3;
const MOST = 100;

/** What the attacker's own client half would send for these ratings. The private state is a first one, of no device. */
const simulated = (algorithm: Algorithm, model: Observation['model'], round: number) => {
  const client = algorithm.client();
  return (batch: Interactions) => {
    const { state: spec } = client;
    const own = { train: batch };
    const size = spec === undefined ? 0 : typeof spec.size === 'number' ? spec.size : spec.size(batch.items.length);
    const state = spec === undefined ? new Float32Array() : spec.initial(random(0, 'attack', 'state'), size);
    const { work } = client.plan(own, { purpose: 'train', round, batch }, random(0, 'attack', 'plan'), state);
    return client.update(model, own, work, random(0, 'attack', 'update'), state);
  };
};

/** Σ of squared differences over dense tensors, and over rows that both have. */
const distanceTo = (seen: Observation, { wire }: Algorithm, other: Pick<Observation, 'rows' | 'tensors'>): number => {
  let sum = 0;
  wire.up.forEach(({ perRow, shape }, tensor) => {
    const [mine, theirs] = [seen.tensors[tensor]!, other.tensors[tensor]!];
    if (!perRow) {
      for (let at = 0; at < mine.length; at++) sum += (mine[at]! - theirs[at]!) ** 2;
      return;
    }
    const width = elements(shape);
    other.rows.forEach((item, to) => {
      const from = lowerBound(seen.rows, item);
      if (seen.rows[from] !== item) return;
      for (let e = 0; e < width; e++) sum += (mine[from * width + e]! - theirs[to * width + e]!) ** 2;
    });
  });
  return sum;
};

/**
 * Ratings by search, for any algorithm: the attacker knows the model and calls the client half itself. Each rating in turn becomes the value of the
 * scale with the nearest update, until none changes. null: the device has too many ratings for that.
 */
export const invertBySearch = (
  seen: Observation,
  algorithm: Algorithm,
  items: Uint32Array,
  prior: Prior,
  round: number,
): Float64Array | null => {
  if (items.length === 0 || items.length > MOST) return null;
  const simulate = simulated(algorithm, seen.model, round);
  const commonest = prior.values[prior.shares.indexOf(Math.max(...prior.shares))]!;
  const values = new Float32Array(items.length).fill(commonest);
  let least = distanceTo(seen, algorithm, simulate({ items, values }));
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let changes = 0;
    for (let index = 0; index < items.length; index++) {
      let kept = values[index]!;
      const before = kept;
      for (const value of prior.values) {
        if (value === kept) continue;
        values[index] = value;
        const apart = distanceTo(seen, algorithm, simulate({ items, values: values.slice() }));
        if (apart < least) [kept, least] = [value, apart];
      }
      values[index] = kept;
      if (kept !== before) changes += 1;
    }
    if (changes === 0) break;
  }
  return Float64Array.from(values);
};
