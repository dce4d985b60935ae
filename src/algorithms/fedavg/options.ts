import type { TensorSpec } from '../../messages/wire-tensor.js';

/**
 * Sizes of the shared model, by letters: n items.
 *
 *   E (n, d)   item embeddings          p_u (d)   user vector, private, never sent
 *   w1 (d, f), b1 (f), w2 (f), b2 (1)   prediction: ŷ = w2·ReLU((E[i] ⊙ p_u)·w1 + b1) + b2
 *
 * n·d + d·f + 2·f + 1 shared parameters: 118,865 for 3,706 items with d = 32 and f = 8.
 */
export type FedAvgOptions = {
  readonly itemEmbedding: number;
  readonly units: number;
  readonly localEpochs: number;
  readonly localBatch: number;
  readonly localRate: number;
};

/** Tensors of the shared model in the order in which they travel, both ways. */
export const sharedTensors = ({ itemEmbedding: d, units: f }: FedAvgOptions): readonly TensorSpec[] => [
  { name: 'items', perRow: true, shape: [d] },
  { name: 'w1', perRow: false, shape: [d, f] },
  { name: 'b1', perRow: false, shape: [f] },
  { name: 'w2', perRow: false, shape: [f] },
  { name: 'b2', perRow: false, shape: [1] },
];
