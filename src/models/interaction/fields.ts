import type { Feature } from '../../data/features/feature.js';
import type { Facts } from '../port/definition.js';

/**
 * The input x of feature models: one-hot user, one-hot item, and the words of their features. A word of n has the value 1/n, a number its own.
 * Rows are those of one side: row r has the cells offsets[r] … offsets[r + 1] − 1. Ids of both sides share one range.
 */
export type Cells = {
  readonly offsets: Uint32Array;
  readonly ids: Uint32Array;
  readonly values: Float32Array;
  /** The field of each cell, 0 … fields − 1 of both sides. */
  readonly fields: Uint8Array;
};

export type FieldCells = {
  /** Words of all fields. */
  readonly words: number;
  /** Fields of users come first. */
  readonly fields: number;
  readonly users: Cells;
  readonly items: Cells;
};

type Cell = { readonly id: number; readonly value: number; readonly field: number };

const wordsOf = (feature: Feature): number => (feature.kind === 'dense' ? feature.width : feature.vocabulary.length);

/** Cells of one row; an unknown number and 0 have none. */
const cellsOf = (feature: Feature, row: number, first: number, field: number): Cell[] => {
  if (feature.kind === 'dense') {
    const numbers = feature.values.subarray(row * feature.width, (row + 1) * feature.width);
    return Array.from(numbers, (value, at) => ({ id: first + at, value, field })).filter(
      ({ value }) => !Number.isNaN(value) && value !== 0,
    );
  }
  const words = feature.values.subarray(feature.offsets[row]!, feature.offsets[row + 1]!);
  return Array.from(words, (word) => ({ id: first + word, value: 1 / words.length, field }));
};

const side = (rows: number, features: readonly Feature[], firstWord: number, firstField: number) => {
  let words = firstWord + rows;
  const starts = features.map((feature) => {
    words += wordsOf(feature);
    return words - wordsOf(feature);
  });
  const cells = Array.from({ length: rows }, (_, row): Cell[] => [
    { id: firstWord + row, value: 1, field: firstField },
    ...features.flatMap((feature, at) => cellsOf(feature, row, starts[at]!, firstField + 1 + at)),
  ]);
  const offsets = new Uint32Array(rows + 1);
  cells.forEach(({ length }, row) => {
    offsets[row + 1] = offsets[row]! + length;
  });
  const all = cells.flat();
  return {
    words,
    fields: firstField + 1 + features.length,
    cells: {
      offsets,
      ids: Uint32Array.from(all, ({ id }) => id),
      values: Float32Array.from(all, ({ value }) => value),
      fields: Uint8Array.from(all, ({ field }) => field),
    },
  };
};

/** `features` 'none': users and items alone. */
export const createFields = ({ users, items, userFeatures = [], itemFeatures = [] }: Facts, features: 'all' | 'none'): FieldCells => {
  const ofUsers = side(users, features === 'all' ? userFeatures : [], 0, 0);
  const ofItems = side(items, features === 'all' ? itemFeatures : [], ofUsers.words, ofUsers.fields);
  return { words: ofItems.words, fields: ofItems.fields, users: ofUsers.cells, items: ofItems.cells };
};
