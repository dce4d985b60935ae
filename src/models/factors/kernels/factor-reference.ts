import { read, readAt, sizeOf } from '../../../tensor/memory/struct.js';
import type { FactorKernels } from './factor-kernels.js';
import * as Descent from './structs/descent.js';
import * as Factors from './structs/factors.js';

/** What a model's struct points to, as views. */
const viewsOf = (memory: WebAssembly.Memory, model: number) => {
  const { buffer } = memory;
  const fields = readAt(memory, model, Factors);
  const { k, users, items, userBias, itemBias, implicit, offsets, ids, values, userWeight, itemWeight } = fields;
  const floats = (pointer: number, at: number, count: number) => new Float32Array(buffer, pointer + 4 * at, count);
  const words = (pointer: number, at: number, count: number) => new Uint32Array(buffer, pointer + 4 * at, count);
  return {
    k,
    userOf: (user: number) => floats(users, user * k, k),
    itemOf: (item: number) => floats(items, item * k, k),
    userBiasOf: userBias === 0 ? null : (user: number) => floats(userBias, user, 1),
    itemBiasOf: itemBias === 0 ? null : (item: number) => floats(itemBias, item, 1),
    weightOf: (user: number, item: number) =>
      userWeight === 0 ? 1 : Math.fround(floats(userWeight, user, 1)[0]! * floats(itemWeight, item, 1)[0]!),
    implicitOf: implicit === 0 ? null : (item: number) => floats(implicit, item * k, k),
    rowOf: (row: number) => {
      const [from, end] = words(offsets, row, 2) as unknown as readonly [number, number];
      return { ids: words(ids, from, end - from), values: floats(values, from, end - from) };
    },
  };
};

const hyperAt = ({ buffer }: WebAssembly.Memory, pointer: number) => read(new Float64Array(buffer, pointer, sizeOf(Descent)), Descent);

type Views = ReturnType<typeof viewsOf>;

const dot = (x: ArrayLike<number>, y: ArrayLike<number>): number => {
  let sum = 0;
  for (let e = 0; e < x.length; e++) sum += x[e]! * y[e]!;
  return sum;
};

/** |N|^(−1/2) Σ y_j. */
const implicitSum = ({ k, implicitOf }: Views, ids: Uint32Array): Float64Array => {
  const sum = new Float64Array(k);
  if (implicitOf === null) return sum;
  for (const item of ids) for (const [e, y] of implicitOf(item).entries()) sum[e]! += y;
  return sum.map((value) => value / Math.sqrt(ids.length));
};

type Hyper = ReturnType<typeof hyperAt>;

/** One rating's step; returns w·e², from before the step. Adds w·e·q to `gradient`. */
const stepRating = (
  views: Views,
  { mean, rate: whole, decay, biasDecay }: Hyper,
  rated: { readonly user: number; readonly item: number; readonly value: number },
  sum: Float64Array,
  gradient: Float64Array,
): number => {
  const { user, item, value } = rated;
  const [p, q] = [views.userOf(user), views.itemOf(item)];
  const [bu, bi] = [views.userBiasOf?.(user), views.itemBiasOf?.(item)];
  const x = Float64Array.from(p, (each, e) => each + sum[e]!);
  const weight = views.weightOf(user, item);
  if (weight === 0) return 0;
  const rate = whole * weight;
  const error = value - (mean + dot(q, x) + (bu?.[0] ?? 0) + (bi?.[0] ?? 0));
  for (const bias of [bu, bi]) if (bias !== undefined) bias[0]! += rate * (error - biasDecay * bias[0]!);
  for (let e = 0; e < views.k; e++) {
    const [before, other] = [p[e]!, q[e]!];
    gradient[e]! += weight * error * other;
    p[e] = before + rate * (error * other - decay * before);
    q[e] = other + rate * (error * x[e]! - decay * other);
  }
  return weight * error ** 2;
};

const stepImplicit = ({ implicitOf }: Views, { rate, implicitDecay }: Hyper, ids: Uint32Array, gradient: Float64Array): void => {
  if (implicitOf === null) return;
  const keep = Math.max(0, 1 - rate * implicitDecay * ids.length);
  for (const item of ids) {
    const y = implicitOf(item);
    for (let e = 0; e < y.length; e++) y[e] = keep * y[e]! + (rate / Math.sqrt(ids.length)) * gradient[e]!;
  }
};

/** One triple's step; returns its loss, from before the step. */
const stepPair = (views: Views, { rate, decay, biasDecay }: Hyper, user: number, positive: number, negative: number): number => {
  const [p, qi, qj] = [views.userOf(user), views.itemOf(positive), views.itemOf(negative)];
  const [bi, bj] = [views.itemBiasOf?.(positive), views.itemBiasOf?.(negative)];
  const margin = dot(p, qi) - dot(p, qj) + (bi?.[0] ?? 0) - (bj?.[0] ?? 0);
  const slope = 1 / (1 + Math.exp(margin));
  if (bi !== undefined) bi[0]! += rate * (slope - biasDecay * bi[0]!);
  if (bj !== undefined) bj[0]! += rate * (-slope - biasDecay * bj[0]!);
  for (let e = 0; e < views.k; e++) {
    const [a, b, c] = [p[e]!, qi[e]!, qj[e]!];
    p[e] = a + rate * (slope * (b - c) - decay * a);
    qi[e] = b + rate * (slope * a - decay * b);
    qj[e] = c + rate * (-slope * a - decay * c);
  }
  return Math.log1p(Math.exp(-Math.abs(margin))) + Math.max(-margin, 0);
};

/** The reference of the factor kernels (factor-kernels.ts is the specification). */
export const factorReference = (memory: WebAssembly.Memory): FactorKernels => ({
  descendFactors(model, count, order, hyper) {
    const [views, settings] = [viewsOf(memory, model), hyperAt(memory, hyper)];
    let loss = 0;
    for (const user of new Uint32Array(memory.buffer, order, count)) {
      const { ids, values } = views.rowOf(user);
      if (ids.length === 0) continue;
      const [sum, gradient] = [implicitSum(views, ids), new Float64Array(views.k)];
      for (const [r, item] of ids.entries()) loss += stepRating(views, settings, { user, item, value: values[r]! }, sum, gradient);
      stepImplicit(views, settings, ids, gradient);
    }
    return loss;
  },

  implicitUsers(model, first, count, out) {
    const views = viewsOf(memory, model);
    for (let i = 0; i < count; i++) {
      const { ids } = views.rowOf(first + i);
      const [p, sum] = [views.userOf(first + i), ids.length === 0 ? new Float64Array(views.k) : implicitSum(views, ids)];
      new Float32Array(memory.buffer, out + 4 * i * views.k, views.k).set(p.map((value, e) => value + sum[e]!));
    }
  },

  descendPairs(model, count, user, positive, negative, hyper) {
    const [views, settings] = [viewsOf(memory, model), hyperAt(memory, hyper)];
    const [users, positives, negatives] = [user, positive, negative].map((pointer) => new Uint32Array(memory.buffer, pointer, count));
    let loss = 0;
    for (let r = 0; r < count; r++) loss += stepPair(views, settings, users![r]!, positives![r]!, negatives![r]!);
    return loss;
  },

  multiplyFactors(model, first, count, decay) {
    const views = viewsOf(memory, model);
    let loss = 0;
    for (let row = first; row < first + count; row++) {
      const { ids, values } = views.rowOf(row);
      if (ids.length === 0) continue;
      const [p, up, down] = [views.userOf(row), new Float64Array(views.k), new Float64Array(views.k)];
      for (const [r, id] of ids.entries()) {
        const q = views.itemOf(id);
        const predicted = dot(p, q);
        loss += (values[r]! - predicted) ** 2;
        for (let e = 0; e < views.k; e++) {
          up[e]! += values[r]! * q[e]!;
          down[e]! += predicted * q[e]!;
        }
      }
      for (let e = 0; e < views.k; e++) p[e] = (p[e]! * up[e]!) / (down[e]! + decay * p[e]! + 1e-9);
    }
    return loss;
  },
});
