import type { LocalModel } from '../port/client.js';
import type { Decays, Rates, Trainer } from './trainer.js';
import { createWorkspace, type Sizes, type Workspace } from './workspace.js';

/**
 * The prediction network, stepped by the rating kernels (kernels/rating-kernels.ts) in float32:
 *
 *   x = E[i] ⊙ p_u (d)     z = x·w1 + b1 (f)     h = ReLU(z)     ŷ = c_u + w2·h + b2
 *
 * The kernels know one rate and no decay. Where parts have rates of their own, or decay, they step one minibatch at a time. What they moved is
 * stretched by the ratio of the rates.
 */

/** now ← before + factor·(now − before) − share·before, elementwise on a stretch. */
const stretch = (now: Float32Array, before: Float32Array, from: number, end: number, factor: number): void => {
  for (let i = from; i < end; i++) now[i] = before[i]! + factor * (now[i]! - before[i]!);
};
const decay = (now: Float32Array, before: Float32Array, from: number, end: number, share: number): void => {
  for (let i = from; i < end; i++) now[i]! -= share * before[i]!;
};

/** What the kernel's step is corrected by: the item rows and the private vector have rates and decays of their own. */
const createSeparateStep = (space: Workspace, rates: Rates, decays: Decays) => {
  let before = { items: new Float32Array(), dense: new Float32Array() };
  return (listed: Uint32Array, from: number, end: number, step: () => number): number => {
    const { items, dense } = space.views();
    before = { items: before.items.length < items.length ? new Float32Array(items.length) : before.items, dense: new Float32Array(dense) };
    before.items.set(items);
    const squared = step();
    const { width } = space;
    if (rates.items !== rates.dense) stretch(items, before.items, 0, items.length, rates.items / rates.dense);
    if (rates.own !== rates.dense) stretch(dense, before.dense, space.user, dense.length, rates.own / rates.dense);
    const share = (2 * rates.items * decays.items) / (end - from);
    if (share !== 0) for (let r = from; r < end; r++) decay(items, before.items, listed[r]! * width, (listed[r]! + 1) * width, share);
    decay(dense, before.dense, space.user, dense.length, 2 * rates.own * decays.own);
    return squared;
  };
};

export const createMlpTrainer = (sizes: Sizes, rates: Rates, decays: Decays): Trainer => {
  const space = createWorkspace(sizes);
  const plain = rates.items === rates.dense && rates.own === rates.dense && decays.items === 0 && decays.own === 0;
  const separately = createSeparateStep(space, rates, decays);
  let [listed, values] = [space.listRows(0), space.listValues(0)];

  const kernelStep = (from: number, end: number, batch: number): number => {
    const count = end - from;
    const [rows, ratings] = [listed.pointer + 4 * from, values.pointer + 4 * from];
    return space.kernels.descendRatings(space.model, count, Math.min(batch, count), rows, ratings, rates.dense);
  };

  return {
    privateSize: sizes.d,
    load: (model: LocalModel, rows, own, count) => {
      [listed, values] = [space.listRows(count), space.listValues(count)];
      space.load(model, rows, own);
    },
    list: () => ({ rows: listed.view, values: values.view }),
    descend: (from, end, batch) => {
      if (plain) return kernelStep(from, end, batch);
      let squared = 0;
      for (let at = from; at < end; at += batch) {
        const last = Math.min(end, at + batch);
        squared += separately(listed.view, at, last, () => kernelStep(at, last, last - at));
      }
      return squared;
    },
    predict: (count) => {
      space.kernels.predictRatings(space.model, count, listed.pointer, values.pointer);
      return values.view.slice(0, count);
    },
    pieces: () => {
      const { items, dense } = space.views();
      return [
        { weights: items, rate: rates.items, width: space.width },
        { weights: dense.subarray(0, space.user), rate: rates.dense, width: 0 },
      ];
    },
    arrange: (tensors) => space.arrange(tensors),
    read: (model, rows) => {
      const { tensors, user } = space.read(model, rows);
      return { tensors, own: user };
    },
  };
};
