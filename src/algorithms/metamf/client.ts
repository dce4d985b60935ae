import type { ClientHalf, Interactions, LocalModel, LocalUpdate } from '../port/client.js';
import type { World } from '../port/definition.js';
import { type MetaMFOptions, middleRating } from './options.js';
import { createWorkspace, type Workspace } from './workspace.js';

/**
 * The client half: the rating-prediction model (eq. 6, 7), its loss (eq. 8, summed over the batch), and the gradient of the sum
 * with respect to Φ_u.
 *
 *   A = items_rise·w1 (s, f), once per model     z = items_low[i]·A + b1     h = ReLU(z)     ŷ = w2·h + b2 [+ items_low[i, 0]] [+ c_u]
 *
 * With rise and w1 folded into A, a rating takes s·f multiplications. In the paper's order it takes (s + f)·d.
 * The gradient folds in the same way:
 *
 *   G = Σ_batch items_low[i]ᵀ·dz (s, f)     d(rise) = G·w1ᵀ     d(w1) = riseᵀ·G
 *
 * Arithmetic is float64 on float32 storage, in a fixed order, in the kernels of generated models (kernels/factored-kernels.ts).
 */

/** c_u: the number that a device subtracts from its ratings before the model takes them. */
const createCentre = (world: World, { centring, centringDamping }: MetaMFOptions): ((train: Interactions) => number) => {
  if (centring === 'none') return () => 0;
  const middle = middleRating(world);
  return ({ values }) => {
    let sum = 0;
    for (const value of values) sum += value - middle;
    return middle + sum / Math.max(1, values.length + centringDamping);
  };
};

/** The ratings of a batch, or the items whose ratings are to be predicted. */
export type Work = Interactions;

const NOTHING = new Float32Array(0);

/** e_i = items_low[i]·items_rise (eq. 5), item by item (n, d). */
const embedItems = (low: Float32Array, rise: Float32Array, s: number, d: number): Float32Array => {
  const count = low.length / s;
  const out = new Float32Array(count * d);
  for (let item = 0; item < count; item++) {
    for (let r = 0; r < s; r++) {
      const factor = low[item * s + r]!;
      for (let e = 0; e < d; e++) out[item * d + e]! += factor * rise[r * d + e]!;
    }
  }
  return out;
};

export const createClientHalf = (world: World, options: MetaMFOptions): ClientHalf<Work> => {
  const { lowRank: s, itemEmbedding: d, units: f } = options;
  const offset = options.itemOffset === 'first-column' ? 1 : 0;
  const centreOf = createCentre(world, options);
  let space: Workspace | undefined;
  // Not before the first use: the coordinator creates client halves, too.
  const workspace = (): Workspace => (space ??= createWorkspace({ s, d, f, offset }, world.items));

  const differentiate = (model: LocalModel, { items, values }: Interactions, centre: number): LocalUpdate => {
    const local = workspace();
    const rows = local.load(model, items);
    local.loadValues(values);
    const { kernels, row, value, gradient } = local;
    const loss = kernels.backwardFactored(local.model, items.length, rows.length, row, value, centre, gradient);
    return { count: items.length, loss, rows, tensors: local.gradients(rows.length) };
  };

  return {
    plan: (_own, task) => {
      if (task.purpose === 'train') return { rows: task.batch.items, work: task.batch };
      return { rows: task.candidates, work: { items: task.candidates, values: NOTHING } };
    },
    update: (model, { train }, batch) => differentiate(model, batch, centreOf(train)),
    itemVectors: ({ tensors: [low, rise] }) => embedItems(low!, rise!, s, d),
    // Once: fold, d(rise) and d(w1), s·f·d each. For each rating: z, A-gradient and row gradient, s·f each, and h, w2 and b1.
    operations: ({ items }) => 2 * (3 * s * f * d + items.length * (3 * s * f + 4 * f)),
    score: (model, { train }, { items }) => {
      const local = workspace();
      local.load(model, items);
      const { kernels, row, value } = local;
      kernels.predictFactored(local.model, items.length, row, centreOf(train), value);
      return local.predictions(items.length);
    },
  };
};
