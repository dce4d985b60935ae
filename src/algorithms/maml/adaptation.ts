import { errorsOf, type ItemRows, predict, type Records, userGradient } from './model.js';

/** One inner step from w, of gradient g: w ← w − α ⊙ g. */
export type InnerStep = { readonly w: Float64Array; readonly errors: Float64Array; readonly gradient: Float64Array };

export type Adapted = { readonly w: Float64Array; readonly path: readonly InnerStep[] };

/**
 * Adaptation of a device: `steps` steps of gradient descent of its user part on the support set, from the shared start. Item rows rest.
 * `rates`: α, one for each number of w. Without records, the user part stays at the start.
 */
export const adapt = (items: ItemRows, support: Records, start: Float64Array, rates: Float64Array, steps: number): Adapted => {
  const path: InnerStep[] = [];
  let w = start.slice();
  for (let step = 0; step < steps; step++) {
    const errors = errorsOf(items, support, w);
    const gradient = userGradient(items, support, errors);
    path.push({ w, errors, gradient });
    w = w.slice();
    for (let at = 0; at < w.length; at++) w[at]! -= rates[at]! * gradient[at]!;
  }
  return { w, path };
};

/**
 * ∂L/∂α of a query loss L, of first order: −Σ g_k ⊙ ∂L/∂w. The inner gradients g_k count as constants in w_K = w⁰ − α ⊙ Σ g_k.
 * Source: Li et al., "Meta-SGD", 2017. There is one rate for each number of w.
 */
export const rateGradient = (path: readonly InnerStep[], outer: Float64Array): Float64Array =>
  outer.map((slope, at) => -slope * path.reduce((sum, { gradient }) => sum + gradient[at]!, 0));

/**
 * The gradient of a query loss back through the inner steps (Finn et al., "Model-Agnostic Meta-Learning", ICML 2017, without the first-order
 * shortcut). `outer` is ∂L/∂w_K. Returns ∂L/∂w⁰, and adds to `into` what the support records' rows contribute. From the last step to the first:
 *
 *   u = α ⊙ ∂L/∂w_{k+1}     z_i = 2/m·u·(1, E[i])
 *   ∂L/∂w_k = ∂L/∂w_{k+1} − Σ z_i·(1, E[i])     ∂L/∂E[i] −= z_i·p_k + 2/m·e_ik·u[1…d]     ∂L/∂B[i] −= z_i
 */
export const throughSteps = (
  items: ItemRows,
  { rows }: Records,
  path: readonly InnerStep[],
  rates: Float64Array,
  outer: Float64Array,
  into: ItemRows,
): Float64Array => {
  const { width, vectors } = items;
  const scale = 2 / Math.max(1, rows.length);
  const slope = outer.slice();
  const still: ItemRows = { ...items, offsets: new Float64Array(items.offsets.length) };
  for (const { w, errors } of path.toReversed()) {
    const u = slope.map((value, at) => rates[at]! * value);
    for (let r = 0; r < rows.length; r++) {
      const row = rows[r]!;
      const at = row * width;
      const z = scale * predict(still, row, u);
      const error = scale * errors[r]!;
      into.offsets[row]! -= z;
      slope[0]! -= z;
      for (let e = 0; e < width; e++) {
        into.vectors[at + e]! -= z * w[e + 1]! + error * u[e + 1]!;
        slope[e + 1]! -= z * vectors[at + e]!;
      }
    }
  }
  return slope;
};
