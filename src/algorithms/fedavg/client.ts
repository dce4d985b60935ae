import { type Random, shuffle } from '../../base/random.js';
import type { ClientHalf, Interactions, LocalModel, LocalUpdate } from '../port/client.js';
import type { World } from '../port/definition.js';
import { distinctRows, rowOf } from '../port/rows.js';
import type { FedAvgOptions } from './options.js';
import { createWorkspace, type Workspace } from './workspace.js';

/**
 * The device half: local epochs of minibatch SGD on the mean squared error, over the shared tensors and the private user
 * vector (McMahan et al., 2017, algorithm 1, ClientUpdate). Uploads the difference of the shared tensors.
 *
 *   x = E[i] ⊙ p_u (d)     z = x·w1 + b1 (f)     h = ReLU(z)     ŷ = w2·h + b2
 *
 * Local arithmetic is float32, in the rating kernels (kernels/rating-kernels.ts), which take an epoch a call.
 */
const train = (options: FedAvgOptions, space: Workspace, model: LocalModel, batch: Interactions, source: Random, state: Float32Array) => {
  const { localEpochs, localBatch, localRate } = options;
  const count = batch.items.length;
  const rows = distinctRows(batch.items);
  space.load(model, rows, state);
  const [row, value] = [space.listRows(count), space.listValues(count)];
  const order = new Uint32Array(count);
  for (let index = 0; index < count; index++) order[index] = index;
  let loss = 0;
  for (let epoch = 0; epoch < localEpochs; epoch++) {
    shuffle(order, source);
    for (let at = 0; at < count; at++) {
      row.view[at] = rowOf(rows, batch.items[order[at]!]!);
      value.view[at] = batch.values[order[at]!]!;
    }
    const batchSize = Math.min(localBatch, count);
    const squared = space.kernels.descendRatings(space.model, count, batchSize, row.pointer, value.pointer, localRate);
    if (epoch === 0) loss = squared;
  }
  const { tensors, user } = space.read(model, rows);
  return { count, loss, rows, tensors, state: user } satisfies LocalUpdate;
};

const predict = (space: Workspace, model: LocalModel, items: Uint32Array, state: Float32Array): Float32Array => {
  const rows = distinctRows(items);
  space.load(model, rows, state);
  const [row, out] = [space.listRows(items.length), space.listValues(items.length)];
  for (let at = 0; at < items.length; at++) row.view[at] = rowOf(rows, items[at]!);
  space.kernels.predictRatings(space.model, items.length, row.pointer, out.pointer);
  return out.view.slice();
};

/** The ratings of a batch, or the items to predict ratings of. */
export type Work = Interactions;

const NOTHING = new Float32Array(0);

export const createClientHalf = (_world: World, options: FedAvgOptions): ClientHalf<Work> => {
  const d = options.itemEmbedding;
  let space: Workspace | undefined;
  // Not before it is needed: the coordinator makes client halves, too.
  const workspace = (): Workspace => (space ??= createWorkspace({ d, f: options.units }));
  return {
    state: {
      size: d,
      initial: (source) => {
        const user = new Float32Array(d);
        for (let e = 0; e < d; e++) user[e] = 1 + 0.1 * source.normal();
        return user;
      },
    },
    plan: (_own, task) => {
      if (task.purpose === 'train') return { rows: task.batch.items, work: task.batch };
      return { rows: task.candidates, work: { items: task.candidates, values: NOTHING } };
    },
    update: (model, _own, batch, source, state) => train(options, workspace(), model, batch, source, state),
    // A rating's forward pass is d·f + d + f multiplications and additions, its backward pass twice that; then each step's descent.
    operations: ({ items }) => {
      const { units: f, localEpochs, localBatch } = options;
      const steps = Math.ceil(items.length / localBatch);
      return 2 * localEpochs * (items.length * 3 * (d * f + d + f) + steps * (d * f + 2 * d + 2 * f));
    },
    score: (model, _own, { items }, state) => predict(workspace(), model, items, state),
  };
};
