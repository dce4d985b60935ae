/**
 * A rating set as columns. Devices (= users) are dense 0 … m−1, items dense 0 … n−1. Within a part, device u has the rows
 * offsets[u] … offsets[u+1]−1, in the order of the source. Columns lie in shared memory.
 * So a device host can get its share without a copy of the whole, and can get it again after it died.
 */
export type Ratings = {
  /** (m + 1) row offsets. */
  readonly offsets: Uint32Array<SharedArrayBuffer>;
  readonly items: Uint32Array<SharedArrayBuffer>;
  readonly values: Float32Array<SharedArrayBuffer>;
};

export const PARTS = ['train', 'valid', 'test'] as const;
export type Part = (typeof PARTS)[number];

export type Dataset = {
  readonly name: string;
  readonly users: number;
  readonly items: number;
  /** Lowest and highest rating the scale allows, and the distance between neighbours: 0 when ratings are continuous. */
  readonly scale: { readonly lowest: number; readonly highest: number; readonly step: number };
  readonly parts: Readonly<Record<Part, Ratings>>;
  /** Original ids by dense id; absent for synthetic sets. */
  readonly userIds?: readonly string[];
  readonly itemIds?: readonly string[];
  /** Mean squared error of the generating model itself, for synthetic sets: no model can do better in expectation. */
  readonly bestMse?: number;
};
