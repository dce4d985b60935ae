import type { Ratings } from '../dataset.js';

/** All records of a set before they are split: rows of each user in the order of the source. */
export type Whole = Ratings & { readonly users: number; readonly itemCount: number };

export const [TRAIN, VALID, TEST] = [0, 1, 2] as const;
/** Of a row, a user or an item that is in no part. */
export const LEFT_OUT = 255;

/** Roles of users and items (see Roles of a dataset). An item may be cold in validation and in testing. */
export const [WARM, COLD_IN_VALID, COLD_IN_TEST] = [0, 1, 2] as const;

/** What a split does with rows, users and items. */
export type SplitLabels = {
  /** By row of the whole: the part, as an index into PARTS, or LEFT_OUT. */
  readonly rows: Uint8Array;
  /** By user and by item: the role, or LEFT_OUT. Absent: all are warm. */
  readonly users?: Uint8Array;
  readonly items?: Uint8Array;
  /** Whether a user without a training row is left out. Otherwise it is an error. */
  readonly leavesOut: boolean;
  /** What a user of the split should know. */
  readonly notes: readonly string[];
};

/** Calls `visit` with the rows of each user: first … end − 1. */
export const eachUser = ({ users, offsets }: Whole, visit: (user: number, first: number, end: number) => void): void => {
  for (let user = 0; user < users; user++) visit(user, offsets[user]!, offsets[user + 1]!);
};
