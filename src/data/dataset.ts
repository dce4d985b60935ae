import type { Feature } from './features/feature.js';

/**
 * Interactions as columns. Devices (= users) are dense 0 … m−1, items dense 0 … n−1. Within a part, device u has the rows
 * offsets[u] … offsets[u+1]−1, in the order of the source. Columns lie in shared memory.
 * So a device host can get its share without a copy of the whole, and can get it again after it died.
 */
export type Ratings = {
  /** (m + 1) row offsets. */
  readonly offsets: Uint32Array<SharedArrayBuffer>;
  readonly items: Uint32Array<SharedArrayBuffer>;
  /** Ratings; all 1 where feedback is implicit. */
  readonly values: Float32Array<SharedArrayBuffer>;
  /** Seconds since 1970 by row, NaN where unknown. Absent: the source has no times. */
  readonly times?: Float64Array<SharedArrayBuffer>;
};

export const PARTS = ['train', 'valid', 'test'] as const;
export type Part = (typeof PARTS)[number];

/** Records that are read when they are asked for, by ranges of users, so that no more of them need to be in memory. */
export type RecordSource = {
  readonly users: number;
  readonly counts: Readonly<Record<Part, number>>;
  /** (m + 1) row offsets of the training part, counted anew. They are not kept: they are as large as many a set. */
  readonly trainOffsets: () => Uint32Array;
  /** The records of users first … end − 1, read anew, with their times or without. Offsets count from the first of them. */
  readonly read: (first: number, end: number, times: 'times' | 'none') => Readonly<Record<Part, Ratings>>;
};

/** With a `source`, a part is read as a whole when it is first asked for. A copy of parts has no source. */
export type Parts = Readonly<Record<Part, Ratings>> & { readonly source?: RecordSource };

/** explicit: a rating a row. implicit: the fact of an interaction, with the value 1. */
export type Feedback = 'explicit' | 'implicit';

/**
 * Who is absent from training. Bits of a role: 1 cold in validation, 2 cold in testing. 0: warm. An item may be both.
 * Warm users come first, then those of validation, then those of testing. So training meets the first so many devices.
 * The training rows of a cold user are its support set, and only its own device learns from them.
 */
export type Roles = {
  /** m roles, ascending. */
  readonly users: Uint8Array<SharedArrayBuffer>;
  /** n roles. A cold item has no training row of a warm user. */
  readonly items: Uint8Array<SharedArrayBuffer>;
};

export type Dataset = {
  readonly name: string;
  readonly users: number;
  readonly items: number;
  /** Lowest and highest rating the scale allows, and the distance between neighbours: 0 when ratings are continuous. */
  readonly scale: { readonly lowest: number; readonly highest: number; readonly step: number };
  readonly feedback: Feedback;
  readonly parts: Parts;
  /** Absent: all users and items are warm. */
  readonly roles?: Roles;
  /** Original ids by dense id; absent for synthetic sets. */
  readonly userIds?: readonly string[];
  readonly itemIds?: readonly string[];
  /** By dense id; an empty title is an unknown one. */
  readonly itemTitles?: readonly string[];
  readonly userFeatures?: readonly Feature[];
  readonly itemFeatures?: readonly Feature[];
  /** Mean squared error of the generating model itself, for synthetic sets: no model can do better in expectation. */
  readonly bestMse?: number;
};

/** Records of each part, without reading them. */
export const countsOf = ({ parts }: Pick<Dataset, 'parts'>): Readonly<Record<Part, number>> =>
  parts.source?.counts ?? { train: parts.train.items.length, valid: parts.valid.items.length, test: parts.test.items.length };

/** (m + 1) row offsets of the training part, without reading it. */
export const trainOffsetsOf = ({ parts }: Pick<Dataset, 'parts'>): Uint32Array => parts.source?.trainOffsets() ?? parts.train.offsets;
