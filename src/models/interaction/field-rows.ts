import type { Random } from '../../base/random.js';
import type { Pointer } from '../../tensor/memory/arena.js';
import type { Facts } from '../port/definition.js';
import type { Engine } from '../port/engine.js';
import type { ModelTensor } from '../port/tensors.js';
import { type Cells, createFields } from './fields.js';
import type { InteractionKernels } from './kernels/interaction-kernels.js';
import { createLazyRows } from './lazy-rows.js';

/** Standard deviation of the initial embeddings. */
const DEVIATION = 0.01;

/** Embeddings of d elements, then a linear weight and padding, which start at zero. */
const embeddings =
  (d: number) =>
  (source: Random, values: Float32Array): void => {
    for (let at = 0; at < values.length; at += d + 4) for (let e = 0; e < d; e++) values[at + e] = DEVIATION * source.normal();
  };

/** Gradients with respect to the outputs of `gather`; null where there are none. */
export type FieldSlopes = {
  readonly linear: Float32Array;
  /** (rows, fields · d). */
  readonly embedded: Float32Array | null;
  /** (rows, d). */
  readonly pooled: Float32Array | null;
};

/** The fields of pairs of user and item: one embedding each, Σ x v over the cells of the field, and Σ x w over all cells. */
export type FieldRows = {
  readonly tensor: ModelTensor;
  readonly fields: number;
  /** (rows, fields · d). */
  readonly embedded: Pointer;
  /** ½ ((Σ_f v_f)² − Σ_f v_f²), elementwise: (rows, d). Equation 3 of NFM; its sum is the second order of a factorization machine. */
  readonly pooled: Pointer;
  readonly linear: Float32Array;
  gather(users: Uint32Array, items: Uint32Array): void;
  /** Adam on the rows that the pairs of the last `gather` have. */
  step(slopes: FieldSlopes, hyper: Pointer): void;
};

/** The ids of some rows, in their order; an id may occur again. It grows as it must. */
const createIdList = (room: number) => {
  let [list, count] = [new Uint32Array(room), 0];
  return {
    clear: (): void => {
      count = 0;
    },
    add: ({ offsets, ids }: Cells, row: number): void => {
      const own = ids.subarray(offsets[row], offsets[row + 1]);
      if (count + own.length > list.length) {
        const more = new Uint32Array(2 * (count + own.length));
        more.set(list);
        list = more;
      }
      list.set(own, count);
      count += own.length;
    },
    ids: (): Uint32Array => list.subarray(0, count),
  };
};

type Shape = { readonly factors: number; readonly features: 'all' | 'none'; readonly rows: number };

export const createFieldRows = (
  engine: Engine,
  kernels: Pick<InteractionKernels, 'stepRows'>,
  facts: Facts,
  { factors: d, features, rows }: Shape,
): FieldRows => {
  const { arena, allocate } = engine;
  const { words, fields, users: ofUsers, items: ofItems } = createFields(facts, features);
  const [size, width] = [d + 4, fields * d];
  const table = createLazyRows(engine, kernels, { name: 'fields', rows: words, size, most: words }, embeddings(d));
  const [embedded, pooled, slopes] = [allocate(rows * width), allocate(rows * d), arena.f32(table.slopes, words * size)];
  const [E, B] = [arena.f32(embedded, rows * width), arena.f32(pooled, rows * d)];
  const [sums, linear] = [new Float32Array(rows * d), new Float32Array(rows)];
  const { values: v } = table.tensor;
  const touched = createIdList(words);
  let last: { readonly users: Uint32Array; readonly items: Uint32Array } = { users: new Uint32Array(0), items: new Uint32Array(0) };

  const gatherSide = ({ offsets, ids, values, fields: fieldOf }: Cells, row: number, r: number): void => {
    for (let cell = offsets[row]!; cell < offsets[row + 1]!; cell++) {
      const [x, from, to] = [values[cell]!, ids[cell]! * size, r * width + fieldOf[cell]! * d];
      for (let e = 0; e < d; e++) E[to + e]! += x * v[from + e]!;
      linear[r]! += x * v[from + d]!;
    }
  };
  const pool = (r: number): void => {
    for (let e = 0; e < d; e++) {
      let [sum, squares] = [0, 0];
      for (let at = r * width + e; at < (r + 1) * width; at += d) {
        sum += E[at]!;
        squares += E[at]! ** 2;
      }
      sums[r * d + e] = sum;
      B[r * d + e] = (sum * sum - squares) / 2;
    }
  };
  /** The gradient of element e of an embedding at E[at]. */
  const slopeAt = ({ embedded: ofE, pooled: ofB }: FieldSlopes, at: number, sum: number): number =>
    (ofE === null ? 0 : ofE[at]!) + (ofB === null ? 0 : ofB[sum]! * (sums[sum]! - E[at]!));
  const scatterSide = ({ offsets, ids, values, fields: fieldOf }: Cells, row: number, r: number, all: FieldSlopes): void => {
    for (let cell = offsets[row]!; cell < offsets[row + 1]!; cell++) {
      const [x, to, from] = [values[cell]!, ids[cell]! * size, r * width + fieldOf[cell]! * d];
      for (let e = 0; e < d; e++) slopes[to + e]! += x * slopeAt(all, from + e, r * d + e);
      slopes[to + d]! += x * all.linear[r]!;
    }
  };
  return {
    tensor: table.tensor,
    fields,
    embedded,
    pooled,
    linear,
    gather: (users, items) => {
      last = { users, items };
      E.fill(0, 0, users.length * width);
      linear.fill(0);
      for (let r = 0; r < users.length; r++) {
        gatherSide(ofUsers, users[r]!, r);
        gatherSide(ofItems, items[r]!, r);
        pool(r);
      }
    },
    step: (all, hyper) => {
      for (let r = 0; r < last.users.length; r++) {
        scatterSide(ofUsers, last.users[r]!, r, all);
        scatterSide(ofItems, last.items[r]!, r, all);
      }
      touched.clear();
      for (const user of last.users) touched.add(ofUsers, user);
      for (const item of last.items) touched.add(ofItems, item);
      table.step(touched.ids(), hyper);
    },
  };
};
