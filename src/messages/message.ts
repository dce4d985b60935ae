import type { DeviceId } from '../base/units.js';
import type { WireTensor } from './wire-tensor.js';

/**
 * Everything that crosses the boundary between the coordinator and the devices.
 *
 *   coordinator                         device
 *   ── assign ──────────────────────────▶  which rows will you need? (sent in subset delivery, and where devices have limits)
 *   ◀── want | refuse ───────────────────  these, among decoys
 *   ── model ───────────────────────────▶  Φ_u
 *   ◀── update (train) | score (evaluate) | refuse
 *
 * Every message down is answered by exactly one message up. None has a field that could hold a rating.
 */
export type Message = Assign | Want | Model | Update | Score | Refuse;

/** What a model is sent for: a client update, or a measurement on held-out ratings. */
export type Purpose = 'train' | 'evaluate';

type Envelope = { readonly round: number; readonly device: DeviceId };

/** `full`: the model will hold a row for every item, and the device is to name none; absent in subset delivery. */
export type Assign = Envelope & { readonly kind: 'assign'; readonly purpose: Purpose; readonly full?: true };

/**
 * Item ids, ascending, that the device asks for: those it needs and its decoys; null where it gets every item's row. `tensors`: what
 * the algorithm has it say of itself, absent where that is nothing.
 */
export type Want = Envelope & {
  readonly kind: 'want';
  readonly purpose: Purpose;
  readonly rows: Uint32Array | null;
  readonly tensors?: readonly WireTensor[];
};

/**
 * The generated model Φ_u: row tensors hold one row for each of `rows` (null: for every item), then the dense ones. `announced`: numbers for the
 * update steps of the device, absent where there are none.
 */
export type Model = Envelope & {
  readonly kind: 'model';
  readonly purpose: Purpose;
  readonly rows: Uint32Array | null;
  readonly tensors: readonly WireTensor[];
  readonly announced?: readonly number[];
};

/**
 * A client update, sparse in the item rows: the gradient of the SUM of squared errors over a batch with respect to Φ_u.
 * An algorithm may define something else instead. `loss` is that sum, `count` the batch size.
 * `marks`: what update steps say of the update, in numbers from 0 to 1; absent where they say nothing.
 */
export type Update = Envelope & {
  readonly kind: 'update';
  readonly count: number;
  readonly loss: number;
  readonly rows: Uint32Array;
  readonly tensors: readonly WireTensor[];
  readonly marks?: readonly number[];
};

/** One held-out part: how many ratings it has, and the sums of the run's metric set over them, in the set's order. */
export type PartScore = { readonly count: number; readonly sums: readonly number[] };
export type Score = Envelope & { readonly kind: 'score'; readonly valid: PartScore; readonly test: PartScore };

/** The device takes no part, and says why: one of REFUSALS, whatever follows after a colon. */
export type Refuse = Envelope & { readonly kind: 'refuse'; readonly reason: string };

export const REFUSALS = ['no ratings', 'memory', 'storage', 'data plan', 'battery', 'other'] as const;
export type RefusalCause = (typeof REFUSALS)[number];

export const refusalCause = (reason: string): RefusalCause => REFUSALS.find((cause) => reason.split(':')[0] === cause) ?? 'other';
