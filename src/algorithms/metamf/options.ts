import type { TensorSpec } from '../../messages/wire-tensor.js';
import type { World } from '../port/algorithm.js';

/**
 * Sizes of MetaMF (Lin et al., SIGIR 2020) by the paper's letters; Table 4 writes a scale as (d, [f, 1], [k, o]).
 *
 *   m devices, n items                       from the rating set
 *   dᵤ  userEmbedding     U (m, dᵤ)
 *   k   collaborative     M (dᵤ, k); c_u = U[u]·M
 *   o   hidden            h_x = ReLU(c_u·W_x + b_x), x = item, layer1, layer2
 *   s   lowRank           items_low (n, s)
 *   d   itemEmbedding     items_rise (s, d); e_i = items_low[i]·items_rise
 *   f   units             w1 (d, f), b1 (f), w2 (f), b2 (1)
 */
export type MetaMFOptions = {
  /** full: everything generated; si (MetaMF-SI): item embeddings shared; sm (MetaMF-SM): the rating-prediction model shared. */
  readonly variant: 'full' | 'si' | 'sm';
  readonly userEmbedding: number;
  readonly collaborative: number;
  readonly hidden: number;
  readonly lowRank: number;
  readonly itemEmbedding: number;
  readonly units: number;
  /** Standard deviation of U at the start. */
  readonly userInit: number;
  /** Probability that a hidden unit is silent for a device in a round; the others count 1/(1 − dropout). */
  readonly dropout: number;
  /**
   * none: the paper's model. device-mean: each device subtracts the damped mean of her own training ratings,
   * c_u = μ₀ + Σ(r − μ₀) / (count + centringDamping) with μ₀ the middle of the scale, and MetaMF learns what is left. c_u is
   * private: it is computed and used on the device alone.
   */
  readonly centring: 'none' | 'device-mean';
  readonly centringDamping: number;
  /**
   * none: the paper's model. first-column: the first number of an item's low-rank embedding is also added to its predictions,
   * ŷ = items_low[i, 0] + RP(e_i): a generated item offset that needs no parameter of its own.
   */
  readonly itemOffset: 'none' | 'first-column';
};

/** Tensors of Φ_u in the order in which they travel. */
export const modelTensors = ({ lowRank: s, itemEmbedding: d, units: f }: MetaMFOptions): readonly TensorSpec[] => [
  { name: 'items_low', perRow: true, shape: [s] },
  { name: 'items_rise', perRow: false, shape: [s, d] },
  { name: 'w1', perRow: false, shape: [d, f] },
  { name: 'b1', perRow: false, shape: [f] },
  { name: 'w2', perRow: false, shape: [f] },
  { name: 'b2', perRow: false, shape: [1] },
];

/** Where predictions start, since nobody but the devices knows the mean rating: the middle of the scale. */
export const middleRating = (world: World): number => (world.lowest + world.highest) / 2;
