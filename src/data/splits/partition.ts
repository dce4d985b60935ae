import { badInput } from '../../base/errors.js';
import { PARTS, type Parts, type Roles } from '../dataset.js';
import { coldItemLabels, coldUserLabels } from './cold.js';
import { LEFT_OUT, type SplitLabels, type Whole } from './labels.js';
import { foldLabels, leaveLastLabels, randomLabels, timeLabels } from './records.js';
import type { SplitSpec } from './spec.js';
import { allocateParts } from './split.js';

/** Parts, with the users and items that are in them. */
export type Partition = {
  readonly parts: Parts;
  readonly roles?: Roles;
  /** The users and items of the whole by their new ids. Absent: all of them, as they are. */
  readonly users?: Uint32Array;
  readonly items?: Uint32Array;
  readonly notes: readonly string[];
};

export type PartitionOptions = {
  /** For errors. */
  readonly place: string;
  /** The error for a user without a training row. `first`: its first row, −1 if it has none. Absent: such users are left out. */
  readonly onEmpty?: (user: number, first: number) => Error;
};

const labelsOf = (whole: Whole, spec: SplitSpec, seed: number, place: string): SplitLabels => {
  switch (spec.kind) {
    case 'random':
      return randomLabels(whole, seed);
    case 'leave-last':
      return leaveLastLabels(whole, spec.leave);
    case 'time':
      return timeLabels(whole, spec, place);
    case 'folds':
      return foldLabels(whole, spec, seed);
    case 'cold-users':
      return coldUserLabels(whole, spec, seed);
    case 'cold-items':
      return coldItemLabels(whole, spec.coldItems, seed);
  }
};

/** Users in their order, those of each role together: the warm ones first, so that training meets the first so many devices. */
const byRole = (roles: Uint8Array): Uint32Array =>
  Uint32Array.from({ length: roles.length }, (_, user) => user)
    .filter((user) => roles[user] !== LEFT_OUT)
    .sort((a, b) => roles[a]! - roles[b]! || a - b);

const shared = (roles: Uint8Array): Uint8Array<SharedArrayBuffer> => {
  const copy = new Uint8Array(new SharedArrayBuffer(roles.length));
  copy.set(roles);
  return copy;
};

/** The users that have a training row. `counts`: rows by user and part. */
const usersOf = (
  { users, offsets }: Whole,
  labels: SplitLabels,
  counts: Uint32Array,
  { onEmpty }: PartitionOptions,
): Uint32Array | undefined => {
  const roles = labels.users?.slice() ?? new Uint8Array(users);
  let left = 0;
  for (let user = 0; user < users; user++) {
    if (roles[user] === LEFT_OUT || counts[3 * user]! > 0) continue;
    if (!labels.leavesOut && onEmpty !== undefined) throw onEmpty(user, offsets[user] === offsets[user + 1] ? -1 : offsets[user]!);
    roles[user] = LEFT_OUT;
    left += 1;
  }
  return labels.users === undefined && left === 0 ? undefined : byRole(roles);
};

const numbersOf = (kept: Uint32Array, count: number): Uint32Array => {
  const numbers = new Uint32Array(count);
  kept.forEach((old, now) => {
    numbers[old] = now;
  });
  return numbers;
};

/** Rows to columns in shared memory, user by user in the order of the whole. */
export const partitionBy = (whole: Whole, labels: SplitLabels, options: PartitionOptions): Partition => {
  const { rows } = labels;
  const counts = new Uint32Array(3 * whole.users);
  for (let user = 0; user < whole.users; user++) {
    for (let row = whole.offsets[user]!; row < whole.offsets[user + 1]!; row++)
      if (rows[row] !== LEFT_OUT) counts[3 * user + rows[row]!]!++;
  }
  const users = usersOf(whole, labels, counts, options);
  const items = labels.items?.includes(LEFT_OUT)
    ? Uint32Array.from({ length: whole.itemCount }, (_, item) => item).filter((item) => labels.items![item] !== LEFT_OUT)
    : undefined;
  const kept = users?.length ?? whole.users;
  if (kept === 0) throw badInput('DATA', options.place, 'a user with a training record after the split', 'none');
  const oldUser = (user: number): number => users?.[user] ?? user;
  const parts = allocateParts(
    kept,
    (user) => [0, 1, 2].map((part) => counts[3 * oldUser(user) + part]!) as [number, number, number],
    whole.times !== undefined,
  );
  const numbers = items === undefined ? undefined : numbersOf(items, whole.itemCount);
  const columns = PARTS.map((part) => parts[part]);
  const next = [0, 0, 0];
  for (let user = 0; user < kept; user++) {
    const old = oldUser(user);
    for (let row = whole.offsets[old]!; row < whole.offsets[old + 1]!; row++) {
      const part = rows[row]!;
      if (part === LEFT_OUT) continue;
      const column = columns[part]!;
      const slot = next[part]!++;
      const item = whole.items[row]!;
      column.items[slot] = numbers === undefined ? item : numbers[item]!;
      column.values[slot] = whole.values[row]!;
      if (column.times !== undefined) column.times[slot] = whole.times![row]!;
    }
  }
  const left = whole.users - kept;
  const silent = labels.users !== undefined || left === 0;
  return {
    parts,
    ...(users && { users }),
    ...(items && { items }),
    ...rolesOf(labels, users, items, whole),
    notes: silent ? labels.notes : [...labels.notes, `${left} users without a training record are left out`],
  };
};

const rolesOf = (labels: SplitLabels, users: Uint32Array | undefined, items: Uint32Array | undefined, whole: Whole): { roles?: Roles } => {
  const { users: ofUsers, items: ofItems } = labels;
  if (ofUsers === undefined && ofItems === undefined) return {};
  const userRoles = ofUsers ?? new Uint8Array(whole.users);
  const itemRoles = ofItems ?? new Uint8Array(whole.itemCount);
  return {
    roles: {
      users: shared(users === undefined ? userRoles : Uint8Array.from(users, (old) => userRoles[old]!)),
      items: shared(items === undefined ? itemRoles : Uint8Array.from(items, (old) => itemRoles[old]!)),
    },
  };
};

/** Cuts a whole set into parts. A function of the set, the spec and the seed. */
export const partition = (whole: Whole, spec: SplitSpec, seed: number, options: PartitionOptions): Partition =>
  partitionBy(whole, labelsOf(whole, spec, seed, options.place), options);
