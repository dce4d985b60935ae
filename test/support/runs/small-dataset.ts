import type { Dataset } from '../../../src/data/dataset.js';
import { columnOf } from '../device/small-world.js';

/** A dataset with so many ratings a user in each part; items and values tell user, part and position apart. */
export const datasetOf = (train: readonly number[], valid = train.map(() => 1), test = train.map(() => 2)): Dataset => {
  const part = (counts: readonly number[], code: number) =>
    columnOf(counts.map((count, user) => Array.from({ length: count }, (_, i): [number, number] => [1000 * code + i, user + i / 1024])));
  return {
    name: 'small',
    users: train.length,
    items: 4000,
    scale: { lowest: 1, highest: 5, step: 1 },
    feedback: 'explicit',
    parts: { train: part(train, 0), valid: part(valid, 1), test: part(test, 2) },
  };
};
