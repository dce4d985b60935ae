import { elements, type TensorSpec } from '../../messages/wire-tensor.js';
import type { Attacked, Observation } from './observation.js';

/** Where updates travel under masks: the cohort's sum, and how updates are weighed in it. */
export type Summing = { readonly cohort: number; readonly weighting: 'records' | 'uniform' };

const addRows = (into: Float32Array, { rows }: Observation, values: Float32Array, width: number, weight: number): void => {
  rows.forEach((item, row) => {
    for (let e = 0; e < width; e++) into[item * width + e]! += weight * values[row * width + e]!;
  });
};

const sumOf = (group: readonly Attacked[], up: readonly TensorSpec[], items: number, { weighting }: Summing): Observation => {
  const weights = group.map(({ seen: { said } }) => (weighting === 'records' ? (said?.count ?? 1) : 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const tensors = up.map(({ perRow, shape }, tensor) => {
    const width = elements(shape);
    const sum = new Float32Array(perRow ? items * width : width);
    group.forEach(({ seen }, index) => {
      const [values, weight] = [seen.tensors[tensor]!, weights[index]! / total];
      if (perRow) addRows(sum, seen, values, width, weight);
      else for (let at = 0; at < width; at++) sum[at]! += weight * values[at]!;
    });
    return sum;
  });
  const said = group.reduce<Observation['said']>(
    (sum, { seen }) =>
      sum === null || seen.said === null ? null : { count: sum.count + seen.said.count, loss: sum.loss + seen.said.loss },
    { count: 0, loss: 0 },
  );
  return { model: group[0]!.seen.model, rows: Uint32Array.from({ length: items }, (_, item) => item), tensors, said };
};

/**
 * What the coordinator has where updates are summed under masks: of each device the mean of its cohort, with a row for every item.
 * The sum is exact, so that the masks themselves are not made.
 */
export const summed = function* (
  attacked: Iterable<Attacked>,
  up: readonly TensorSpec[],
  items: number,
  summing: Summing,
): Generator<Attacked> {
  let group: Attacked[] = [];
  const mixed = (): Attacked[] => {
    if (group.length === 0) return [];
    const seen = sumOf(group, up, items, summing);
    const found = group.map(({ truth }) => ({ seen, truth }));
    group = [];
    return found;
  };
  for (const one of attacked) {
    group.push(one);
    if (group.length === summing.cohort) yield* mixed();
  }
  yield* mixed();
};
