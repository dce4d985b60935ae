// One row touches three contiguous ranges: w's block (o·s, read), the gradient block (o·s, read and written), and vectors of
// a user's units. It is bound by memory, so the two sums share one walk over p.
// The walk leaves out units that are zero. Behind a ReLU about half of them are, and they get no gradient.
// A user's other units are listed once.
//
//   units: for each user o offsets (u32) into a block, o values of h, their number (−1: not listed yet)
import * as Generator from '../structs/generator';
import * as List from '../structs/row-list';
import { countAt, pointerAt } from '../../../../tensor/assembly/structs';

export function backwardRows(generator: usize, list: usize, users: i32, h: usize, units: usize, g: usize, gBias: usize, dh: usize): void {
  const o = countAt(generator, Generator.o), s = countAt(generator, Generator.s), w = pointerAt(generator, Generator.w);
  const count = countAt(list, List.count), fresh = countAt(list, List.fresh);
  let user = pointerAt(list, List.user), item = pointerAt(list, List.item), slot = pointerAt(list, List.place), d = pointerAt(list, List.upstream);
  const hRow = (<usize>o) << 2, row = (<usize>s) << 2, block = <usize>o * row, unitRow = (hRow << 1) + 4, number = hRow << 1;
  for (let u = 0; u < users; u++) store<i32>(units + <usize>u * unitRow + number, -1);
  memory.fill(dh, 0, <usize>users * hRow);
  let last: i32 = -1;
  for (let r = 0; r < count; r++, user += 4, item += 4, slot += 4, d += row) {
    const u = <usize>load<u32>(user), t = <usize>load<u32>(slot);
    const unitsOf = units + u * unitRow, dhu = dh + u * hRow, wi = w + <usize>load<u32>(item) * block, gt = g + t * block;
    const gb = gBias + t * row;
    if (load<i32>(unitsOf + number) < 0) store<i32>(unitsOf + number, listUnits(o, row, h + u * hRow, unitsOf, unitsOf + hRow));
    // Here and not in a pass of its own: the slot is needed in the cache a moment later anyway.
    if (<i32>t >= fresh && <i32>t != last) {
      memory.fill(gt, 0, block);
      memory.fill(gb, 0, row);
    }
    last = <i32>t;
    const some = load<i32>(unitsOf + number);
    if (s == 8) row8(some, unitsOf, unitsOf + hRow, wi, d, gt, dhu);
    else if (s == 4) rowAny(some, 16, unitsOf, unitsOf + hRow, wi, d, gt, dhu);
    else rowAny(some, row, unitsOf, unitsOf + hRow, wi, d, gt, dhu);
    for (let c: usize = 0; c < row; c += 16) v128.store(gb + c, f32x4.add(v128.load(gb + c), v128.load(d + c)));
  }
  for (let u = 0; u < users; u++) spread(load<i32>(units + <usize>u * unitRow + number), row, units + <usize>u * unitRow, dh + <usize>u * hRow);
}

/** Lists the units of h that are not zero, ascending, and returns their number. */
function listUnits(o: i32, row: usize, h: usize, at: usize, value: usize): i32 {
  let some = 0;
  for (let p: usize = 0; p < <usize>o; p++) {
    const x = load<f32>(h + (p << 2)), to = (<usize>some) << 2;
    store<u32>(at + to, <u32>(p * row));
    store<f32>(value + to, x);
    some += i32(x != 0);
  }
  return some;
}

/** Moves the numbers at the start of dh, which are in the order of the list, to the places of their units. */
function spread(some: i32, row: usize, at: usize, dh: usize): void {
  for (let k = some - 1; k >= 0; k--) {
    const from = dh + ((<usize>k) << 2), to = dh + ((<usize>load<u32>(at + ((<usize>k) << 2)) / row) << 2);
    const x = load<f32>(from);
    store<f32>(from, 0);
    store<f32>(to, x);
  }
}

/** s = 8, both halves of d in registers. `dh` is in the order of the list. */
function row8(some: i32, at: usize, h: usize, w: usize, d: usize, g: usize, dh: usize): void {
  const d0 = v128.load(d), d1 = v128.load(d, 16);
  const end = h + ((<usize>some) << 2), end4 = h + ((<usize>(some & ~3)) << 2);
  for (; h < end4; h += 16, dh += 16, at += 16) {
    const a0 = <usize>load<u32>(at), a1 = <usize>load<u32>(at, 4), a2 = <usize>load<u32>(at, 8), a3 = <usize>load<u32>(at, 12);
    const t0 = pair(w + a0, d0, d1), t1 = pair(w + a1, d0, d1), t2 = pair(w + a2, d0, d1), t3 = pair(w + a3, d0, d1);
    v128.store(dh, f32x4.add(v128.load(dh), laneSums(t0, t1, t2, t3)));
    outer8(h, 0, d0, d1, g + a0);
    outer8(h, 4, d0, d1, g + a1);
    outer8(h, 8, d0, d1, g + a2);
    outer8(h, 12, d0, d1, g + a3);
  }
  for (; h < end; h += 4, dh += 4, at += 4) {
    const a = <usize>load<u32>(at);
    store<f32>(dh, load<f32>(dh) + laneSum(pair(w + a, d0, d1)));
    outer8(h, 0, d0, d1, g + a);
  }
}

// @ts-ignore: decorator
@inline
function pair(w: usize, d0: v128, d1: v128): v128 {
  return f32x4.add(f32x4.mul(v128.load(w), d0), f32x4.mul(v128.load(w, 16), d1));
}

// @ts-ignore: decorator
@inline
function outer8(h: usize, hAt: usize, d0: v128, d1: v128, g: usize): void {
  const x = v128.load32_splat(h + hAt);
  v128.store(g, f32x4.add(v128.load(g), f32x4.mul(x, d0)));
  v128.store(g, f32x4.add(v128.load(g, 16), f32x4.mul(x, d1)), 16);
}

/** Any s, in chunks of four; `row` is s in bytes, a constant where the caller knows it. */
// @ts-ignore: decorator
@inline
function rowAny(some: i32, row: usize, at: usize, h: usize, w: usize, d: usize, g: usize, dh: usize): void {
  for (let k = 0; k < some; k++, h += 4, dh += 4, at += 4) {
    const x = v128.load32_splat(h), a = <usize>load<u32>(at), wp = w + a, gp = g + a;
    let t = f32x4.splat(0);
    for (let c: usize = 0; c < row; c += 16) {
      const y = v128.load(d + c), gc = gp + c;
      t = f32x4.add(t, f32x4.mul(v128.load(wp + c), y));
      v128.store(gc, f32x4.add(v128.load(gc), f32x4.mul(x, y)));
    }
    store<f32>(dh, load<f32>(dh) + laneSum(t));
  }
}

/** The four lane sums of t0 … t3 as one vector. Each is (x0 + x2) + (x1 + x3), as in laneSum. */
// @ts-ignore: decorator
@inline
function laneSums(t0: v128, t1: v128, t2: v128, t3: v128): v128 {
  const even = f32x4.add(v128.shuffle<f32>(t0, t2, 0, 4, 1, 5), v128.shuffle<f32>(t0, t2, 2, 6, 3, 7));
  const odd = f32x4.add(v128.shuffle<f32>(t1, t3, 0, 4, 1, 5), v128.shuffle<f32>(t1, t3, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<f32>(even, odd, 0, 4, 1, 5), v128.shuffle<f32>(even, odd, 2, 6, 3, 7));
}

// @ts-ignore: decorator
@inline
function laneSum(t: v128): f32 {
  return f32x4.extract_lane(t, 0) + f32x4.extract_lane(t, 2) + (f32x4.extract_lane(t, 1) + f32x4.extract_lane(t, 3));
}
