import type { DeviceId } from '../base/units.js';
import type { WireTensor } from './tensor-form.js';

/**
 * Everything that crosses the boundary between the coordinator and the devices.
 *
 *   coordinator                         device
 *   ── assign ──────────────────────────▶  which rows will you need? (sent in subset delivery, and where devices have limits)
 *   ◀── want | refuse ───────────────────  these, among decoys
 *   ── model ───────────────────────────▶  Φ_u
 *   ◀── update (train) | score (evaluate) | refuse
 *
 * Where updates are summed under masks (docs/privacy.md), a round has three exchanges more, and no update travels by itself:
 *
 *   ── advertise ───────────────────────▶
 *   ◀── keys | refuse ───────────────────  public keys of this round
 *   ── share ───────────────────────────▶  the keys of its neighbours
 *   ◀── shares | refuse ─────────────────  shares of its secrets, sealed for each neighbour
 *   ── model, with the neighbours' shares ▶
 *   ◀── masked | refuse ─────────────────
 *   ── unmask ──────────────────────────▶  which neighbours are in the sum, and which are gone
 *   ◀── reveal | refuse ─────────────────  one share of each
 *
 * Every message down is answered by exactly one message up. None has a field that could hold a rating.
 */
export type Message = Assign | Want | Model | Update | Score | Refuse | SecureMessage;

/** Messages of secure sums. */
export type SecureMessage = Advertise | Keys | Share | Shares | Masked | Unmask | Reveal;

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
  /** Neighbours that shared their secrets, ascending, and their shares for this device, sealed; absent unless updates are masked. */
  readonly peers?: Uint32Array;
  readonly sealed?: Uint8Array;
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
  /** The ids of its rows travel as gaps (gaps.ts). */
  readonly packed?: true;
  readonly tensors: readonly WireTensor[];
  readonly marks?: readonly number[];
};

export type Advertise = Envelope & { readonly kind: 'advertise' };

/** Public keys: to seal shares, and for masks. */
export type Keys = Envelope & { readonly kind: 'keys'; readonly data: Uint8Array };

/** Neighbours, ascending, and both keys of each. `threshold`: shares that bring a secret back. `cohort`: the most vectors that are summed. */
export type Share = Envelope & {
  readonly kind: 'share';
  readonly ids: Uint32Array;
  readonly data: Uint8Array;
  readonly threshold: number;
  readonly cohort: number;
};

/** For each neighbour, in their order in `share`: a share of the seed and one of the mask key, sealed. */
export type Shares = Envelope & { readonly kind: 'shares'; readonly data: Uint8Array };

/** A vector of whole numbers mod 2³², under masks; little-endian. */
export type Masked = Envelope & { readonly kind: 'masked'; readonly data: Uint8Array };

/** Neighbours whose vectors are in the sum, and those whose vectors never came; both ascending. */
export type Unmask = Envelope & { readonly kind: 'unmask'; readonly ids: Uint32Array; readonly gone: Uint32Array };

/** A share of the seed of each of the first, then a share of the mask key of each of the second. */
export type Reveal = Envelope & { readonly kind: 'reveal'; readonly data: Uint8Array };

/** One held-out part: how many ratings it has, and the sums of the run's metric set over them, in the set's order. */
export type PartScore = { readonly count: number; readonly sums: readonly number[] };
export type Score = Envelope & { readonly kind: 'score'; readonly valid: PartScore; readonly test: PartScore };

/** The device takes no part, and says why: one of REFUSALS, whatever follows after a colon. */
export type Refuse = Envelope & { readonly kind: 'refuse'; readonly reason: string };

export const REFUSALS = ['no ratings', 'memory', 'storage', 'data plan', 'battery', 'secure sum', 'other'] as const;
export type RefusalCause = (typeof REFUSALS)[number];

export const refusalCause = (reason: string): RefusalCause => REFUSALS.find((cause) => reason.split(':')[0] === cause) ?? 'other';
