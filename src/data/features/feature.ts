/** A feature of all users, or of all items, as columns in shared memory, in the order of dense ids. */
export type Feature = MultiHotFeature | DenseFeature;

/** Words of a vocabulary: one (a year), some (genres) or none (unknown) for each user or item. */
export type MultiHotFeature = {
  readonly name: string;
  readonly kind: 'multi-hot';
  /** Distinct words; a word is known by its place here. */
  readonly vocabulary: readonly string[];
  /** (count + 1) offsets into values. */
  readonly offsets: Uint32Array<SharedArrayBuffer>;
  /** Places in the vocabulary, distinct for one user or item, in the order of the source. */
  readonly values: Uint32Array<SharedArrayBuffer>;
};

/** `width` numbers for each user or item; NaN is an unknown one. */
export type DenseFeature = {
  readonly name: string;
  readonly kind: 'dense';
  readonly width: number;
  /** count × width, row-major. */
  readonly values: Float32Array<SharedArrayBuffer>;
};
