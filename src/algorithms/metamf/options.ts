import { z } from 'zod';
import type { TensorSpec } from '../../messages/wire-tensor.js';
import type { World } from '../port/definition.js';

const count = z.int().min(1);

/**
 * Sizes of MetaMF (Lin et al., SIGIR 2020) by the paper's letters. Its Table 4 writes a scale as (d, [f, 1], [k, o]).
 *
 *   m devices, n items                       from the rating set
 *   dᵤ  userEmbedding     U (m, dᵤ)
 *   k   collaborative     M (dᵤ, k); c_u = U[u]·M
 *   o   hidden            h_x = ReLU(c_u·W_x + b_x), x = item, layer1, layer2
 *   s   lowRank           items_low (n, s)
 *   d   itemEmbedding     items_rise (s, d); e_i = items_low[i]·items_rise
 *   f   units             w1 (d, f), b1 (f), w2 (f), b2 (1)
 *
 * With centring device-mean, each device subtracts c_u = μ₀ + Σ(r − μ₀) / (count + centringDamping) from its ratings.
 * μ₀ is the middle of the scale. MetaMF learns the rest. c_u is private: it is computed and used on the device alone.
 *
 * With itemOffset first-column, ŷ = items_low[i, 0] + RP(e_i): a generated item offset without a parameter of its own.
 */
export const metamfOptions = z.strictObject({
  variant: z
    .enum(['full', 'si', 'sm'])
    .default('full')
    .describe('full: MetaMF; si: item embeddings shared by all users; sm: rating-prediction model shared'),
  userEmbedding: count.default(32).describe('size of a user embedding, d_u'),
  collaborative: count.default(128).describe('size of the collaborative vector, k'),
  hidden: count.default(512).describe('hidden units of each generator, o'),
  lowRank: count.default(8).describe('size of a low-rank item embedding, s'),
  itemEmbedding: count.default(32).describe('size of an item embedding, d'),
  units: count.default(8).describe('hidden units of the rating-prediction model, f'),
  dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0.2)
    .describe('probability with which a hidden unit of the generators is silent for a device in a round; none in measurements'),
  userInit: z.number().min(0).default(0.05).describe('standard deviation of the user embeddings at the start'),
  centring: z
    .enum(['none', 'device-mean'])
    .default('device-mean')
    .describe("device-mean: each device subtracts the damped mean of its own ratings, privately; none: the paper's model"),
  centringDamping: z.number().min(0).default(10).describe('ratings at the middle of the scale that a device counts in for its mean'),
  itemOffset: z
    .enum(['none', 'first-column'])
    .default('first-column')
    .describe("first-column: the first number of an item's low-rank embedding is also added to its predictions; none: the paper's model"),
});

export type MetaMFOptions = Readonly<z.infer<typeof metamfOptions>>;

/** Tensors of Φ_u in the order in which they travel. */
export const modelTensors = ({ lowRank: s, itemEmbedding: d, units: f }: MetaMFOptions): readonly TensorSpec[] => [
  { name: 'items_low', perRow: true, shape: [s] },
  { name: 'items_rise', perRow: false, shape: [s, d] },
  { name: 'w1', perRow: false, shape: [d, f] },
  { name: 'b1', perRow: false, shape: [f] },
  { name: 'w2', perRow: false, shape: [f] },
  { name: 'b2', perRow: false, shape: [1] },
];

/** Predictions start at the middle of the scale: only the devices know the mean rating. */
export const middleRating = (world: World): number => (world.lowest + world.highest) / 2;
