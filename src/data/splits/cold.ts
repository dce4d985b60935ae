import { distinct, random, shuffle } from '../../base/random.js';
import { COLD_IN_TEST, COLD_IN_VALID, eachUser, LEFT_OUT, type SplitLabels, TEST, TRAIN, VALID, WARM, type Whole } from './labels.js';
import type { ColdUsersSpec } from './spec.js';

/** Splits in which some users, or some items, take no part in training. */

/** `count` of these, drawn by the key, and the others. */
const drawn = (count: number, of: Uint32Array, seed: number, key: string): readonly [chosen: Uint32Array, others: Uint32Array] => {
  const shuffled = shuffle(of.slice(), random(seed, key));
  return [shuffled.subarray(0, count), shuffled.subarray(count)];
};

const upTo = (count: number): Uint32Array => Uint32Array.from({ length: count }, (_, i) => i);

/** Items that have a record, ascending: a share of all items would count some that nobody could meet. */
const metItems = ({ items, itemCount }: Whole): Uint32Array => {
  const met = new Uint8Array(itemCount);
  for (const item of items) met[item] = 1;
  return upTo(itemCount).filter((item) => met[item] === 1);
};

/** Roles of users by shares of them, in random order. */
const userRoles = ({ users }: Whole, { valid, test }: ColdUsersSpec, seed: number): Uint8Array => {
  const roles = new Uint8Array(users);
  const [inValid, others] = drawn(Math.round(valid * users), upTo(users), seed, 'cold users');
  for (const user of inValid) roles[user] = COLD_IN_VALID;
  for (const user of others.subarray(0, Math.round(test * users))) roles[user] = COLD_IN_TEST;
  return roles;
};

/** Records that a user keeps of these rows, in their order. None where they are too few. */
const keep = (rows: Uint32Array, records: ColdUsersSpec['records'], seed: number, user: number): Uint32Array => {
  if (records === 'all') return rows;
  if (rows.length < records) return rows.subarray(0, 0);
  return distinct(records, rows.length, random(seed, 'records', user))
    .sort()
    .map((at) => rows[at]!);
};

const supportSize = (records: number, support: number): number =>
  Math.min(records - 1, support >= 1 ? support : Math.max(1, Math.round(support * records)));

/**
 * Users in three disjoint groups. Warm users have all of their records in training. Of a cold user, the support set is in training,
 * where nobody but its own device has it, and the query set validates or tests.
 *
 * An item is warm if it is in a record that a warm user keeps. With cold items, a share of all items is taken from warm users,
 * and cold users have records of these items alone. Otherwise cold users have records of warm items alone.
 * Items that are neither warm nor cold are left out.
 */
export const coldUserLabels = (whole: Whole, spec: ColdUsersSpec, seed: number): SplitLabels => {
  const { items, itemCount } = whole;
  const rows = new Uint8Array(items.length).fill(LEFT_OUT);
  const users = userRoles(whole, spec, seed);
  const roles = new Uint8Array(itemCount).fill(LEFT_OUT);
  if (spec.coldItems > 0) {
    const met = metItems(whole);
    const [cold] = drawn(Math.round(spec.coldItems * met.length), met, seed, 'cold items');
    for (const item of cold) roles[item] = COLD_IN_VALID | COLD_IN_TEST;
  }
  const isCold = (item: number): boolean => roles[item] === (COLD_IN_VALID | COLD_IN_TEST);
  const rowsOf = (first: number, end: number, wanted: (item: number) => boolean): Uint32Array =>
    Uint32Array.from({ length: end - first }, (_, i) => first + i).filter((row) => wanted(items[row]!));
  let left = 0;

  eachUser(whole, (user, first, end) => {
    if (users[user] !== WARM) return;
    const kept = keep(
      rowsOf(first, end, (item) => !isCold(item)),
      spec.records,
      seed,
      user,
    );
    for (const row of kept) rows[row] = TRAIN;
    if (kept.length > 0) return;
    users[user] = LEFT_OUT;
    left += 1;
  });
  rows.forEach((label, row) => {
    if (label === TRAIN) roles[items[row]!] = WARM;
  });
  const among = spec.coldItems > 0 ? isCold : (item: number) => roles[item] === WARM;
  eachUser(whole, (user, first, end) => {
    const role = users[user]!;
    if (role !== COLD_IN_VALID && role !== COLD_IN_TEST) return;
    const kept = keep(rowsOf(first, end, among), spec.records, seed, user);
    if (kept.length < 2) {
      users[user] = LEFT_OUT;
      left += 1;
      return;
    }
    const held = role === COLD_IN_VALID ? VALID : TEST;
    const support = new Set(distinct(supportSize(kept.length, spec.support), kept.length, random(seed, 'support', user)));
    kept.forEach((row, at) => {
      rows[row] = support.has(at) ? TRAIN : held;
    });
  });
  const notes = left === 0 ? [] : [`cold-users: ${left} users with too few records are left out`];
  return { rows, users, items: roles, leavesOut: true, notes };
};

/** A share of the items is cold: their records validate (half of the items) or test. All other records are in training. */
export const coldItemLabels = (whole: Whole, coldItems: number, seed: number): SplitLabels => {
  const met = metItems(whole);
  const [cold] = drawn(Math.round(coldItems * met.length), met, seed, 'cold items');
  const roles = new Uint8Array(whole.itemCount);
  cold.forEach((item, at) => {
    roles[item] = at < cold.length >> 1 ? COLD_IN_VALID : COLD_IN_TEST;
  });
  const rows = Uint8Array.from(whole.items, (item) => [TRAIN, VALID, TEST][roles[item]!]!);
  return { rows, items: roles, leavesOut: true, notes: [] };
};
