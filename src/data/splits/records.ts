import { badInput } from '../../base/errors.js';
import { random, shuffle } from '../../base/random.js';
import { eachUser, type SplitLabels, TEST, TRAIN, VALID, type Whole } from './labels.js';
import { splitUser } from './split.js';

/** Splits in which every user takes part: each row goes to a part by chance, by its place, or by its time. */

export const randomLabels = (whole: Whole, seed: number): SplitLabels => {
  const rows = new Uint8Array(whole.items.length);
  eachUser(whole, (user, first, end) => splitUser(seed, user, rows.subarray(first, end)));
  return { rows, leavesOut: false, notes: [] };
};

/** Rows of one user in the order of time; equal and unknown times keep the order of the source, unknown ones first. */
const inTime = ({ times }: Whole, first: number, end: number): Uint32Array => {
  const rows = Uint32Array.from({ length: end - first }, (_, i) => first + i);
  if (times === undefined) return rows;
  const at = (row: number): number => (Number.isNaN(times[row]!) ? Number.NEGATIVE_INFINITY : times[row]!);
  // The sort is stable, and two unknown times are equal.
  return rows.sort((a, b) => (at(a) < at(b) ? -1 : Number(at(a) > at(b))));
};

export const leaveLastLabels = (whole: Whole, leave: number): SplitLabels => {
  const rows = new Uint8Array(whole.items.length);
  eachUser(whole, (_, first, end) => {
    const ordered = inTime(whole, first, end);
    const test = Math.max(0, Math.min(leave, ordered.length - 1));
    const valid = Math.max(0, Math.min(leave, ordered.length - 1 - test));
    for (const row of ordered.subarray(ordered.length - test)) rows[row] = TEST;
    for (const row of ordered.subarray(ordered.length - test - valid, ordered.length - test)) rows[row] = VALID;
  });
  const notes =
    whole.times === undefined ? ['leave-last: there are no times, so that the last records are the last ones in the source'] : [];
  return { rows, leavesOut: false, notes };
};

const shown = (time: number): string => {
  const date = new Date(1000 * time);
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString();
};

/** Rows of one instant are never parted: the cut is the time of the first row that the share would hold out. */
export const timeLabels = (whole: Whole, shares: { readonly valid: number; readonly test: number }, place: string): SplitLabels => {
  const { times } = whole;
  const known = times?.filter((time) => !Number.isNaN(time)).sort() ?? new Float64Array(0);
  if (times === undefined || known.length === 0) throw badInput('DATA', place, 'times of the records (split time)', 'none');
  const cut = (share: number): number => known[Math.min(known.length, Math.round((1 - share) * known.length))] ?? Number.POSITIVE_INFINITY;
  const [validFrom, testFrom] = [cut(shares.valid + shares.test), cut(shares.test)];
  const rows = Uint8Array.from(times, (time) => (time >= testFrom ? TEST : time >= validFrom ? VALID : TRAIN));
  const notes = [`time: validation from ${shown(validFrom)}, test from ${shown(testFrom)}`];
  if (known.length < times.length) notes.push(`time: ${times.length - known.length} records without a time are in training`);
  return { rows, leavesOut: true, notes };
};

/**
 * Every record is tested in one fold, except that of a user with a single record, which is always in training.
 * The first record of a user goes to a random fold, so that folds have about the same size.
 */
export const foldLabels = (
  whole: Whole,
  { folds, fold, valid }: { folds: number; fold: number; valid: number },
  seed: number,
): SplitLabels => {
  const rows = new Uint8Array(whole.items.length);
  eachUser(whole, (user, first, end) => {
    const count = end - first;
    if (count < 2) return;
    const source = random(seed, 'folds', user);
    const start = source.integer(folds);
    const dealt = shuffle(
      Uint32Array.from({ length: count }, (_, i) => first + i),
      source,
    );
    const others: number[] = [];
    dealt.forEach((row, i) => {
      if ((start + i) % folds === fold) rows[row] = TEST;
      else others.push(row);
    });
    for (const row of others.slice(0, Math.floor(valid * others.length))) rows[row] = VALID;
  });
  return { rows, leavesOut: false, notes: [] };
};
