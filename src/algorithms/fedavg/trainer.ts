import type { LocalModel } from '../port/client.js';

/** A stretch of the weights that a device is training, in the layout of the model's arithmetic; `width`: numbers of an item row, 0: dense. */
export type Piece = { readonly weights: Float32Array; readonly rate: number; readonly width: number };

/**
 * The arithmetic of one model on a device: its weights, a list of ratings, and minibatch steps of gradient descent on
 *
 *   mean over the minibatch of (ŷ − r)² + λ_item·‖item row‖² + λ_user·‖private part‖²
 *
 * One device after another of a thread uses it. `load` comes before all else; `tensors` are those of `modelTensors`.
 */
export type Trainer = {
  /** Numbers of the private part. */
  readonly privateSize: number;
  /** Takes up the model's rows of some items, ascending, its dense tensors and the private part; `count`: ratings that will be listed. */
  load(model: LocalModel, rows: Uint32Array, own: Float32Array, count: number): void;
  /** The list of ratings, in the order of steps: the position of each one's item in `rows`, and its value less the device's centre. */
  list(): { readonly rows: Uint32Array; readonly values: Float32Array };
  /** Steps over ratings from … end − 1 of the list, `batch` at a time. Returns Σ (ŷ − r)², each rating's before its own step. */
  descend(from: number, end: number, batch: number): number;
  /** ŷ − c_u of the first `count` ratings of the list. */
  predict(count: number): Float32Array;
  /** The shared weights as they are, row pieces before dense ones; valid until the next `load`. */
  pieces(): readonly Piece[];
  /** Other numbers of the model's shape, rows aligned with those that were loaded, in the layout of `pieces`. */
  arrange(tensors: readonly Float32Array[]): readonly Float32Array[];
  /** now − before of the shared tensors, in the order of `modelTensors`, and the private part as it is now. */
  read(model: LocalModel, rows: Uint32Array): { readonly tensors: readonly Float32Array[]; readonly own: Float32Array };
};

export type Rates = { readonly dense: number; readonly items: number; readonly own: number };

export type Decays = { readonly items: number; readonly own: number };
