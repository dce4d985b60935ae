import { z } from 'zod';
import type { TensorSpec } from '../../messages/wire-tensor.js';

const count = z.int().min(1);

/**
 * Sizes of the shared model, by letters: n items.
 *
 *   E (n, d)   item embeddings          p_u (d)   user vector, private, never sent
 *   w1 (d, f), b1 (f), w2 (f), b2 (1)   prediction: ŷ = w2·ReLU((E[i] ⊙ p_u)·w1 + b1) + b2
 *
 * n·d + d·f + 2·f + 1 shared parameters: 118,865 for 3,706 items with d = 32 and f = 8.
 */
export const fedavgOptions = z.strictObject({
  itemEmbedding: count.default(32).describe('size of an item embedding and of the private user vector'),
  units: count.default(8).describe('hidden units of the prediction network'),
  localEpochs: count.default(1).describe('passes of a device over its batch in a round'),
  localBatch: count.default(64).describe('ratings in a local step'),
  serverRate: z.number().positive().default(1).describe("factor on the devices' mean difference"),
  localRate: z.number().positive().default(0.05).describe("learning rate of the device's local steps"),
});

export type FedAvgOptions = Readonly<z.infer<typeof fedavgOptions>>;

/** Tensors of the shared model in the order in which they travel, both ways. */
export const sharedTensors = ({ itemEmbedding: d, units: f }: FedAvgOptions): readonly TensorSpec[] => [
  { name: 'items', perRow: true, shape: [d] },
  { name: 'w1', perRow: false, shape: [d, f] },
  { name: 'b1', perRow: false, shape: [f] },
  { name: 'w2', perRow: false, shape: [f] },
  { name: 'b2', perRow: false, shape: [1] },
];
