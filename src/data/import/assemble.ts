import { badInput } from '../../base/errors.js';
import { type Dataset, type Feedback, PARTS, type Part, type Roles } from '../dataset.js';
import { type Described, isDescribed, selectDescribed } from '../features/described.js';
import type { Scale } from '../policies/values.js';
import type { Whole } from '../splits/labels.js';
import { type Partition, type PartitionOptions, partition, partitionBy } from '../splits/partition.js';
import type { SplitSpec } from '../splits/spec.js';
import { allocateRatings } from '../splits/split.js';
import { withItems } from '../splits/whole.js';
import { declaredIds, type IdMap } from './ids.js';
import { groupByUser, placeOf, type RatingRows, refuseDuplicates, renumber } from './rows.js';

/** 'given': each row belongs to the part whose file it came from (`partOfFile`, by index into rows.files). */
export type Split =
  | { readonly kind: 'drawn'; readonly spec: SplitSpec; readonly seed: number }
  /** `known`: the ids in their order, and the roles, of files that data split has written. */
  | { readonly kind: 'given'; readonly partOfFile: readonly Part[]; readonly known?: KnownSplit };

export type KnownSplit = { readonly users: readonly string[]; readonly items: readonly string[]; readonly roles?: Roles };

export type Assembly = {
  readonly name: string;
  /** The file or folder the rows came from, for errors. */
  readonly place: string;
  readonly split: Split;
  readonly scale?: Scale;
  readonly declared?: { readonly users?: number; readonly items?: number };
  /** Default: explicit. */
  readonly feedback?: Feedback;
  /** Titles and features by dense id. Default: none. */
  readonly describe?: (userIds: readonly string[], itemIds: readonly string[]) => Described;
  /** Items without one of their features are left out, with their records. */
  readonly describedOnly?: boolean;
  readonly onProgress?: (note: string) => void;
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

/** Of implicit feedback: its only value is 1. */
export const IMPLICIT_SCALE: Scale = { lowest: 0, highest: 1, step: 1 };

/** The ids of a table in a known order. @throws MetafleetError DATA for one that is not known. */
const inOrder = ({ ids, dense }: IdMap, known: readonly string[], place: string, kind: string): IdMap => {
  const places = new Map(known.map((id, at) => [id, at]));
  const numbers = Uint32Array.from(ids, (id) => {
    const at = places.get(id);
    if (at === undefined) throw badInput('DATA', place, `the ${kind}s that split.json lists`, id);
    return at;
  });
  return { ids: known, dense: dense.map((at) => numbers[at]!) };
};

const mapIds = (rows: RatingRows, { split, declared, place }: Assembly): { users: IdMap; items: IdMap } => {
  const known = split.kind === 'given' ? split.known : undefined;
  const map = declaredMaps(rows, declared);
  if (known === undefined) return map;
  return { users: inOrder(map.users, known.users, place, 'user'), items: inOrder(map.items, known.items, place, 'item') };
};

const declaredMaps = (rows: RatingRows, declared: Assembly['declared']): { users: IdMap; items: IdMap } => ({
  users: declared?.users === undefined ? rows.userIds.finish() : declaredIds(rows.userIds, declared.users),
  items: declared?.items === undefined ? rows.itemIds.finish() : declaredIds(rows.itemIds, declared.items),
});

/** Rows in the order of users, as columns. */
const wholeOf = (
  rows: RatingRows,
  { offsets, order }: { offsets: Uint32Array; order: Uint32Array },
  itemCount: number,
  feedback: Feedback,
): Whole => {
  const users = offsets.length - 1;
  const columns = allocateRatings(users, (user) => offsets[user + 1]! - offsets[user]!, rows.times !== undefined);
  for (let at = 0; at < rows.count; at++) {
    const row = order[at]!;
    columns.items[at] = rows.items[row]!;
    columns.values[at] = feedback === 'implicit' ? 1 : rows.values[row]!;
  }
  if (columns.times !== undefined) for (let at = 0; at < rows.count; at++) columns.times[at] = rows.times![order[at]!]!;
  return { ...columns, users, itemCount };
};

/** The part of each row, in user order, by the file that it came from. */
const partsByFile = (rows: RatingRows, order: Uint32Array, partOfFile: readonly Part[]): Uint8Array => {
  const ofRow = new Uint8Array(rows.count);
  for (const [file, { from, to }] of rows.files.entries()) ofRow.fill(PARTS.indexOf(partOfFile[file]!), from, to);
  return new Uint8Array(rows.count).map((_, at) => ofRow[order[at]!]!);
};

/** @throws MetafleetError DATA where no item has every feature. */
export const describedItems = (described: Described, items: number, place: string): Uint32Array => {
  const kept = Uint32Array.from({ length: items }, (_, item) => item).filter((item) => isDescribed(described, item));
  if (kept.length === 0) throw badInput('DATA', place, 'an item that has every feature (splitting.describedOnly)', 'none');
  return kept;
};

export const composed = (outer: Uint32Array | undefined, inner: Uint32Array | undefined): Uint32Array | undefined =>
  outer === undefined || inner === undefined ? (inner ?? outer) : inner.map((at) => outer[at]!);

/** A set before it is split. */
export type Gathered = Pick<Dataset, 'name' | 'scale' | 'feedback'> & {
  /** Rows by user, in the order of the source. */
  readonly whole: Whole;
  readonly userIds: readonly string[];
  readonly itemIds: readonly string[];
  readonly described: Described;
  /** Of a given split: the part of each row. */
  readonly parts?: Uint8Array;
  /** `file:line` of a row. */
  readonly placeOfRow: (row: number) => string;
};

/**
 * Rows as the readers left them → columns in shared memory. Renumbers `rows` in place.
 * @throws MetafleetError DATA on duplicates.
 */
export const gather = (rows: RatingRows, assembly: Omit<Assembly, 'describedOnly'>): Gathered => {
  const { name, split, scale, feedback = 'explicit', describe } = assembly;
  const ids = mapIds(rows, assembly);
  renumber(rows, ids.users.dense, ids.items.dense);
  const [userIds, itemIds] = [ids.users.ids, ids.items.ids];
  const grouped = groupByUser(rows, userIds.length);
  refuseDuplicates(rows, grouped, userIds, itemIds);
  return {
    name,
    scale: feedback === 'implicit' ? IMPLICIT_SCALE : (scale ?? inferScale(rows.values.subarray(0, rows.count))),
    feedback,
    whole: wholeOf(rows, grouped, itemIds.length, feedback),
    userIds,
    itemIds,
    described: describe?.(userIds, itemIds) ?? {},
    ...(split.kind === 'given' && { parts: partsByFile(rows, grouped.order, split.partOfFile) }),
    placeOfRow: (row) => placeOf(rows, grouped.order[row]!),
  };
};

/**
 * Rows as the readers left them → columns in shared memory. Renumbers `rows` in place.
 * @throws MetafleetError DATA on duplicates and on a user without a training rating.
 */
export const assemble = (rows: RatingRows, assembly: Assembly): Dataset => {
  const { place, split, describedOnly = false, onProgress } = assembly;
  const { name, scale, feedback, whole: all, userIds, itemIds, described, parts: given, placeOfRow } = gather(rows, assembly);
  const allowed = describedOnly ? describedItems(described, itemIds.length, place) : undefined;
  const whole = allowed === undefined ? all : withItems(all, allowed);
  const onEmpty = (user: number, first: number): Error =>
    badInput(
      'DATA',
      first < 0 ? place : placeOfRow(first),
      'a training rating for every user',
      `none for user ${userIds[user]} (empty user)`,
    );
  const options: PartitionOptions = { place, ...(allowed === undefined && { onEmpty }) };
  const cut = (): Partition => {
    if (split.kind === 'drawn') return partition(whole, split.spec, split.seed, options);
    const labels = allowed === undefined ? given! : given!.filter((_, row) => isDescribed(described, all.items[row]!));
    return partitionBy(whole, { rows: labels, leavesOut: false, notes: [] }, options);
  };
  const { parts, roles = split.kind === 'given' ? split.known?.roles : undefined, users, items: kept, notes } = cut();
  for (const note of notes) onProgress?.(note);
  const items = composed(allowed, kept);
  const of = (list: readonly string[], chosen: Uint32Array | undefined) =>
    chosen === undefined ? list : Array.from(chosen, (at) => list[at]!);
  return {
    ...{ name, users: parts.train.offsets.length - 1, items: items?.length ?? itemIds.length, scale, feedback, parts },
    ...(roles && { roles }),
    userIds: of(userIds, users),
    itemIds: of(itemIds, items),
    ...selectDescribed(described, users, items),
  };
};
