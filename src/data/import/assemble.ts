import { badInput } from '../../base/errors.js';
import { type Dataset, PARTS, type Part } from '../dataset.js';
import { allocateParts, splitUser, type WritableRatings } from '../splits/split.js';
import { declaredIds, type IdMap } from './ids.js';
import type { Scale } from './reader.js';
import { groupByUser, placeOf, type RatingRows, refuseDuplicates, renumber } from './rows.js';

/** 'given': each row belongs to the part whose file it came from (`partOfFile`, by index into rows.files). */
export type Split = { readonly kind: 'random'; readonly seed: number } | { readonly kind: 'given'; readonly partOfFile: readonly Part[] };

type Assembly = {
  readonly name: string;
  /** The file or folder the rows came from, for errors. */
  readonly place: string;
  readonly split: Split;
  readonly scale?: Scale;
  readonly declared?: { readonly users?: number; readonly items?: number };
};

/** Distances between neighbouring ratings that a scale is inferred to have; 0 (continuous) when none fits. */
const STEPS = [1, 0.5, 0.25, 0.2, 0.1] as const;

/** The narrowest scale that holds all values. Cost: at most six passes. */
const inferScale = (values: Float64Array): Scale => {
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  const fits = (step: number): boolean => values.every((value) => Math.abs(value / step - Math.round(value / step)) < 1e-6);
  return { lowest, highest, step: STEPS.find(fits) ?? 0 };
};

/** Which part each row (in user order) goes to, as an index into PARTS. */
const labelRows = (rows: RatingRows, offsets: Uint32Array, order: Uint32Array, split: Split): Uint8Array => {
  const labels = new Uint8Array(rows.count);
  switch (split.kind) {
    case 'random':
      for (let user = 0; user + 1 < offsets.length; user++) {
        splitUser(split.seed, user, labels.subarray(offsets[user], offsets[user + 1]));
      }
      return labels;
    case 'given': {
      const ofRow = new Uint8Array(rows.count);
      for (const [file, { from, to }] of rows.files.entries()) ofRow.fill(PARTS.indexOf(split.partOfFile[file]!), from, to);
      return labels.map((_, at) => ofRow[order[at]!]!);
    }
  }
};

const mapIds = (rows: RatingRows, declared: Assembly['declared']): { users: IdMap; items: IdMap } => ({
  users: declared?.users === undefined ? rows.userIds.finish() : declaredIds(rows.userIds, declared.users),
  items: declared?.items === undefined ? rows.itemIds.finish() : declaredIds(rows.itemIds, declared.items),
});

/**
 * Rows as the readers left them → columns in shared memory. Renumbers `rows` in place.
 * @throws MetafleetError DATA on duplicates and on a user without a training rating.
 */
export const assemble = (rows: RatingRows, { name, place, split, scale, declared }: Assembly): Dataset => {
  const ids = mapIds(rows, declared);
  renumber(rows, ids.users.dense, ids.items.dense);
  const users = ids.users.ids.length;
  const { offsets, order } = groupByUser(rows, users);
  refuseDuplicates(rows, { offsets, order }, ids.users.ids, ids.items.ids);
  const labels = labelRows(rows, offsets, order, split);

  const counts = new Uint32Array(3 * users);
  for (let user = 0; user < users; user++) {
    for (let at = offsets[user]!; at < offsets[user + 1]!; at++) counts[3 * user + labels[at]!]!++;
    if (counts[3 * user] === 0) {
      const first = order[offsets[user]!];
      const where = first === undefined || offsets[user] === offsets[user + 1] ? place : placeOf(rows, first);
      throw badInput('DATA', where, 'a training rating for every user', `none for user ${ids.users.ids[user]} (empty user)`);
    }
  }
  const parts = allocateParts(users, (user) => [counts[3 * user]!, counts[3 * user + 1]!, counts[3 * user + 2]!]);
  const columns: readonly WritableRatings[] = PARTS.map((part) => parts[part]);
  const next = [0, 0, 0];
  for (let at = 0; at < rows.count; at++) {
    const part = labels[at]!;
    const row = order[at]!;
    const slot = next[part]!++;
    columns[part]!.items[slot] = rows.items[row]!;
    columns[part]!.values[slot] = rows.values[row]!;
  }
  return {
    name,
    users,
    items: ids.items.ids.length,
    feedback: 'explicit',
    scale: scale ?? inferScale(rows.values.subarray(0, rows.count)),
    parts,
    userIds: ids.users.ids,
    itemIds: ids.items.ids,
  };
};
