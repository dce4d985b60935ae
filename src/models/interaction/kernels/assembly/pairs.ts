import { adam } from '../../../../tensor/assembly/adam';
import { countAt, pointerAt } from '../../../../tensor/assembly/structs';
import * as Pairs from '../structs/pairs';
import * as RowState from '../structs/row-state';

/** Bytes of a row of 2·d + 4 elements. */
// @ts-ignore: decorator
@inline
function rowBytes(block: usize): usize {
  return (block << 1) + 16;
}

// @ts-ignore: decorator
@inline
function rowAt(rows: usize, ids: usize, pair: usize, block: usize): usize {
  return rows + <usize>load<u32>(ids + (pair << 2)) * rowBytes(block);
}

export function gatherPairs(job: usize, count: i32): void {
  const block = (<usize>countAt(job, Pairs.width)) << 2;
  const users = pointerAt(job, Pairs.users), items = pointerAt(job, Pairs.items), userRows = pointerAt(job, Pairs.userRows), itemRows = pointerAt(job, Pairs.itemRows);
  let product = pointerAt(job, Pairs.product), joined = pointerAt(job, Pairs.joined);
  for (let r: usize = 0, last = <usize>count; r < last; r++, product += block, joined += block << 1) {
    const p = rowAt(userRows, users, r, block), q = rowAt(itemRows, items, r, block);
    for (let e: usize = 0; e < block; e += 16) {
      v128.store(product + e, f32x4.mul(v128.load(p + e), v128.load(q + e)));
      v128.store(joined + e, v128.load(p + block + e));
      v128.store(joined + block + e, v128.load(q + block + e));
    }
  }
}

export function outputPairs(job: usize, count: i32, out: usize): void {
  const block = (<usize>countAt(job, Pairs.width)) << 2, units = (<usize>countAt(job, Pairs.last)) << 2;
  const users = pointerAt(job, Pairs.users), items = pointerAt(job, Pairs.items), userRows = pointerAt(job, Pairs.userRows), itemRows = pointerAt(job, Pairs.itemRows);
  const output = pointerAt(job, Pairs.output), bias = load<f32>(output + block + units);
  let product = pointerAt(job, Pairs.product), hidden = pointerAt(job, Pairs.hidden);
  for (let r: usize = 0, last = <usize>count; r < last; r++, product += block, hidden += units) {
    const userBias = load<f32>(rowAt(userRows, users, r, block) + (block << 1)), itemBias = load<f32>(rowAt(itemRows, items, r, block) + (block << 1));
    let sum = f32x4.splat(0);
    for (let e: usize = 0; e < block; e += 16) sum = f32x4.add(sum, f32x4.mul(v128.load(output + e), v128.load(product + e)));
    for (let e: usize = 0; e < units; e += 16) sum = f32x4.add(sum, f32x4.mul(v128.load(output + block + e), v128.load(hidden + e)));
    const total = f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1) + (f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3));
    store<f32>(out + (r << 2), total + (bias + (userBias + itemBias)));
  }
}

export function outputPairsBackward(job: usize, count: i32, errors: usize): void {
  const block = (<usize>countAt(job, Pairs.width)) << 2, units = (<usize>countAt(job, Pairs.last)) << 2;
  const weights = pointerAt(job, Pairs.output) + block, slopes = pointerAt(job, Pairs.outputSlopes);
  let product = pointerAt(job, Pairs.product), hidden = pointerAt(job, Pairs.hidden), hiddenSlopes = pointerAt(job, Pairs.hiddenSlopes);
  const bias = slopes + block + units;
  for (const end = errors + ((<usize>count) << 2); errors < end; errors += 4, product += block, hidden += units, hiddenSlopes += units) {
    const error = load<f32>(errors), four = f32x4.splat(error);
    for (let e: usize = 0; e < block; e += 16) v128.store(slopes + e, f32x4.add(v128.load(slopes + e), f32x4.mul(four, v128.load(product + e))));
    for (let e: usize = 0, at = slopes + block; e < units; e += 16) {
      v128.store(at + e, f32x4.add(v128.load(at + e), f32x4.mul(four, v128.load(hidden + e))));
      v128.store(hiddenSlopes + e, f32x4.mul(four, v128.load(weights + e)));
    }
    store<f32>(bias, load<f32>(bias) + error);
  }
}

export function scatterPairs(job: usize, count: i32, errors: usize): void {
  const block = (<usize>countAt(job, Pairs.width)) << 2, bias = block << 1;
  const users = pointerAt(job, Pairs.users), items = pointerAt(job, Pairs.items), userRows = pointerAt(job, Pairs.userRows), itemRows = pointerAt(job, Pairs.itemRows);
  const userSlopes = pointerAt(job, Pairs.userSlopes), itemSlopes = pointerAt(job, Pairs.itemSlopes), output = pointerAt(job, Pairs.output);
  let joined = pointerAt(job, Pairs.joinedSlopes);
  for (let r: usize = 0, last = <usize>count; r < last; r++, joined += bias) {
    const p = rowAt(userRows, users, r, block), q = rowAt(itemRows, items, r, block);
    const dp = rowAt(userSlopes, users, r, block), dq = rowAt(itemSlopes, items, r, block);
    const error = load<f32>(errors + (r << 2)), four = f32x4.splat(error);
    for (let e: usize = 0; e < block; e += 16) {
      const x = v128.load(p + e), y = v128.load(q + e), slope = f32x4.mul(four, v128.load(output + e));
      v128.store(dp + e, f32x4.add(v128.load(dp + e), f32x4.mul(slope, y)));
      v128.store(dq + e, f32x4.add(v128.load(dq + e), f32x4.mul(slope, x)));
    }
    for (let e: usize = block; e < bias; e += 16) {
      v128.store(dp + e, f32x4.add(v128.load(dp + e), v128.load(joined + e - block)));
      v128.store(dq + e, f32x4.add(v128.load(dq + e), v128.load(joined + e)));
    }
    store<f32>(dp + bias, load<f32>(dp + bias) + error);
    store<f32>(dq + bias, load<f32>(dq + bias) + error);
  }
}

export function stepRows(count: i32, ids: usize, size: i32, state: usize, hyper: usize): void {
  const w = pointerAt(state, RowState.weights), m = pointerAt(state, RowState.moment), v = pointerAt(state, RowState.variance), g = pointerAt(state, RowState.slopes);
  const block = (<usize>size) << 2;
  for (const end = ids + ((<usize>count) << 2); ids < end; ids += 4) {
    const at = <usize>load<u32>(ids) * block;
    adam(size, w + at, m + at, v + at, g + at, hyper);
    memory.fill(g + at, 0, block);
  }
}
