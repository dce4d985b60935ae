import * as Generator from '../structs/generator';
import * as List from '../structs/row-list';
import { areWorthwhile, HEAD, recordSize, UNIT } from './pairs';
import { countAt, pointerAt } from '../../../../tensor/assembly/structs';

// Both generators sum over p in the same order, from the bias up. So a row has the same bits from both.
// The `full` and `subset` deliveries train the same numbers.
//
// A chunk is four neighbouring outputs of one item. In out, chunk q of a user is 16 bytes at q·16, for any s.
// In w, the four numbers of chunk q = i·(s/4) + c lie at ((i·o + p)·s + 4c), and p steps by s.
// So a tile is four consecutive chunks of two users.
//
// With pairs, a tile leaves out units that are zero for both its users: 0 · w changes no sum.

export function generateItems(generator: usize, users: i32, first: i32, count: i32, h: usize, pairs: usize, out: usize, outStride: i32): void {
  const s = countAt(generator, Generator.s), outRow = (<usize>outStride) << 2;
  if (s == 8) items(generator, 8, users, first, count, h, pairs, out, outRow);
  else if (s == 4) items(generator, 4, users, first, count, h, pairs, out, outRow);
  else items(generator, s, users, first, count, h, pairs, out, outRow);
}

// @ts-ignore: decorator
@inline
function items(generator: usize, s: i32, users: i32, first: i32, count: i32, h: usize, pairs: usize, out: usize, outRow: usize): void {
  const o = countAt(generator, Generator.o), w = pointerAt(generator, Generator.w), bias = pointerAt(generator, Generator.bias);
  const perItem = s >> 2, hRow = (<usize>o) << 2, step = (<usize>s) << 2, block = <usize>o * step;
  let q = first * perItem;
  const last = (first + count) * perItem;
  for (; q + 4 <= last; q += 4) {
    const w0 = chunk(q, perItem, block, w), w1 = chunk(q + 1, perItem, block, w);
    const w2 = chunk(q + 2, perItem, block, w), w3 = chunk(q + 3, perItem, block, w);
    const shift = (<usize>q) << 4;
    if (pairs && areWorthwhile(pairs)) {
      pairTiles(users, o, s, h, pairs, w0, w1, w2, w3, bias + shift, out + shift, outRow);
      continue;
    }
    let hu = h, ou = out + shift, u = 0;
    for (; u + 2 <= users; u += 2, hu += hRow << 1, ou += outRow << 1) tile2x4(o, step, hu, hu + hRow, w0, w1, w2, w3, bias + shift, ou, ou + outRow);
    if (u < users) tile1x4(o, step, hu, w0, w1, w2, w3, bias + shift, ou);
  }
  for (; q < last; q++) {
    const wq = chunk(q, perItem, block, w), shift = (<usize>q) << 4;
    let hu = h, ou = out + shift;
    for (let u = 0; u < users; u++, hu += hRow, ou += outRow) tile1x1(o, step, hu, wq, bias + shift, ou);
  }
}

/** A tile of each pair: by its list, or over all units if it lists nearly all. Without the second, V8 spills an accumulator of the first. */
// @ts-ignore: decorator
@inline
function pairTiles(users: i32, o: i32, s: i32, h: usize, pairs: usize, w0: usize, w1: usize, w2: usize, w3: usize, bias: usize, out: usize, outRow: usize): void {
  const hRow = (<usize>o) << 2, step = (<usize>s) << 2, size = recordSize(o), most = UNIT * <usize>o * 15 >> 4;
  for (let k = 0; k < users; k += 2, pairs += size) {
    const u = load<u32>(pairs), v = load<u32>(pairs, 4), at = pairs + HEAD, end = <usize>load<u32>(pairs, 8);
    const hu = h + <usize>u * hRow, hv = h + <usize>v * hRow, ou = out + <usize>u * outRow, ov = out + <usize>v * outRow;
    if (k + 1 == users) tile1x4(o, step, hu, w0, w1, w2, w3, bias, ou);
    else if (end - at > most) tile2x4(o, step, hu, hv, w0, w1, w2, w3, bias, ou, ov);
    else listTile2x4(s == 8, at, end, w0, w1, w2, w3, bias, ou, ov);
  }
}

/** `halves` is a constant at every call. If true, w1 and w3 are the other halves of w0's and w2's items: that saves two addresses a step. */
// @ts-ignore: decorator
@inline
function listTile2x4(halves: bool, at: usize, end: usize, w0: usize, w1: usize, w2: usize, w3: usize, bias: usize, out0: usize, out1: usize): void {
  let s00 = v128.load(bias), s01 = v128.load(bias, 16), s02 = v128.load(bias, 32), s03 = v128.load(bias, 48);
  let s10 = s00, s11 = s01, s12 = s02, s13 = s03;
  for (; at < end; at += UNIT) {
    const p = <usize>load<u32>(at), p0 = w0 + p, p2 = w2 + p;
    const b0 = v128.load(p0), b1 = halves ? v128.load(p0, 16) : v128.load(w1 + p), b2 = v128.load(p2), b3 = halves ? v128.load(p2, 16) : v128.load(w3 + p);
    const x0 = v128.load32_splat(at, 4);
    s00 = f32x4.add(s00, f32x4.mul(x0, b0));
    s01 = f32x4.add(s01, f32x4.mul(x0, b1));
    s02 = f32x4.add(s02, f32x4.mul(x0, b2));
    s03 = f32x4.add(s03, f32x4.mul(x0, b3));
    const x1 = v128.load32_splat(at, 8);
    s10 = f32x4.add(s10, f32x4.mul(x1, b0));
    s11 = f32x4.add(s11, f32x4.mul(x1, b1));
    s12 = f32x4.add(s12, f32x4.mul(x1, b2));
    s13 = f32x4.add(s13, f32x4.mul(x1, b3));
  }
  v128.store(out0, s00); v128.store(out0, s01, 16); v128.store(out0, s02, 32); v128.store(out0, s03, 48);
  v128.store(out1, s10); v128.store(out1, s11, 16); v128.store(out1, s12, 32); v128.store(out1, s13, 48);
}

// @ts-ignore: decorator
@inline
function chunk(q: i32, perItem: i32, block: usize, w: usize): usize {
  return w + <usize>(q / perItem) * block + ((<usize>(q % perItem)) << 4);
}

// @ts-ignore: decorator
@inline
function tile2x4(o: i32, step: usize, h0: usize, h1: usize, w0: usize, w1: usize, w2: usize, w3: usize, bias: usize, out0: usize, out1: usize): void {
  let s00 = v128.load(bias), s01 = v128.load(bias, 16), s02 = v128.load(bias, 32), s03 = v128.load(bias, 48);
  let s10 = s00, s11 = s01, s12 = s02, s13 = s03;
  for (const end = h0 + ((<usize>o) << 2); h0 < end; h0 += 4, h1 += 4, w0 += step, w1 += step, w2 += step, w3 += step) {
    const b0 = v128.load(w0), b1 = v128.load(w1), b2 = v128.load(w2), b3 = v128.load(w3);
    const x0 = v128.load32_splat(h0);
    s00 = f32x4.add(s00, f32x4.mul(x0, b0));
    s01 = f32x4.add(s01, f32x4.mul(x0, b1));
    s02 = f32x4.add(s02, f32x4.mul(x0, b2));
    s03 = f32x4.add(s03, f32x4.mul(x0, b3));
    const x1 = v128.load32_splat(h1);
    s10 = f32x4.add(s10, f32x4.mul(x1, b0));
    s11 = f32x4.add(s11, f32x4.mul(x1, b1));
    s12 = f32x4.add(s12, f32x4.mul(x1, b2));
    s13 = f32x4.add(s13, f32x4.mul(x1, b3));
  }
  v128.store(out0, s00); v128.store(out0, s01, 16); v128.store(out0, s02, 32); v128.store(out0, s03, 48);
  v128.store(out1, s10); v128.store(out1, s11, 16); v128.store(out1, s12, 32); v128.store(out1, s13, 48);
}

// @ts-ignore: decorator
@inline
function tile1x4(o: i32, step: usize, h: usize, w0: usize, w1: usize, w2: usize, w3: usize, bias: usize, out: usize): void {
  let s0 = v128.load(bias), s1 = v128.load(bias, 16), s2 = v128.load(bias, 32), s3 = v128.load(bias, 48);
  for (const end = h + ((<usize>o) << 2); h < end; h += 4, w0 += step, w1 += step, w2 += step, w3 += step) {
    const x = v128.load32_splat(h);
    s0 = f32x4.add(s0, f32x4.mul(x, v128.load(w0)));
    s1 = f32x4.add(s1, f32x4.mul(x, v128.load(w1)));
    s2 = f32x4.add(s2, f32x4.mul(x, v128.load(w2)));
    s3 = f32x4.add(s3, f32x4.mul(x, v128.load(w3)));
  }
  v128.store(out, s0); v128.store(out, s1, 16); v128.store(out, s2, 32); v128.store(out, s3, 48);
}

// @ts-ignore: decorator
@inline
function tile1x1(o: i32, step: usize, h: usize, w: usize, bias: usize, out: usize): void {
  let sum = v128.load(bias);
  for (const end = h + ((<usize>o) << 2); h < end; h += 4, w += step) sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(h), v128.load(w)));
  v128.store(out, sum);
}

export function generateRows(generator: usize, list: usize, h: usize, out: usize): void {
  const o = countAt(generator, Generator.o), s = countAt(generator, Generator.s), w = pointerAt(generator, Generator.w), bias = pointerAt(generator, Generator.bias);
  const count = countAt(list, List.count), hRow = (<usize>o) << 2, row = (<usize>s) << 2, block = <usize>o * row;
  let user = pointerAt(list, List.user), item = pointerAt(list, List.item), place = pointerAt(list, List.place);
  let r = 0;
  // Four rows in step, not one row with four partial sums. Both hide the latency of an addition.
  // This one has four streams from memory under way, and keeps the order of the sum.
  for (; r + 4 <= count; r += 4, user += 16, item += 16, place += 16) {
    const h0 = h + <usize>load<u32>(user) * hRow, h1 = h + <usize>load<u32>(user, 4) * hRow;
    const h2 = h + <usize>load<u32>(user, 8) * hRow, h3 = h + <usize>load<u32>(user, 12) * hRow;
    const i0 = <usize>load<u32>(item), i1 = <usize>load<u32>(item, 4), i2 = <usize>load<u32>(item, 8), i3 = <usize>load<u32>(item, 12);
    const w0 = w + i0 * block, w1 = w + i1 * block, w2 = w + i2 * block, w3 = w + i3 * block;
    const b0 = bias + i0 * row, b1 = bias + i1 * row, b2 = bias + i2 * row, b3 = bias + i3 * row;
    const o0 = out + <usize>load<u32>(place) * row, o1 = out + <usize>load<u32>(place, 4) * row;
    const o2 = out + <usize>load<u32>(place, 8) * row, o3 = out + <usize>load<u32>(place, 12) * row;
    let c: usize = 0;
    for (; c + 32 <= row; c += 32) {
      if (s == 8) rows4x8(o, 32, h0, h1, h2, h3, w0, w1, w2, w3, b0, b1, b2, b3, o0, o1, o2, o3);
      else rows4x8(o, row, h0, h1, h2, h3, w0 + c, w1 + c, w2 + c, w3 + c, b0 + c, b1 + c, b2 + c, b3 + c, o0 + c, o1 + c, o2 + c, o3 + c);
    }
    if (c < row) rows4x4(o, row, h0, h1, h2, h3, w0 + c, w1 + c, w2 + c, w3 + c, b0 + c, b1 + c, b2 + c, b3 + c, o0 + c, o1 + c, o2 + c, o3 + c);
  }
  for (; r < count; r++, user += 4, item += 4, place += 4) {
    const i = <usize>load<u32>(item), hu = h + <usize>load<u32>(user) * hRow, to = out + <usize>load<u32>(place) * row;
    for (let c: usize = 0; c < row; c += 16) tile1x1(o, row, hu, w + i * block + c, bias + i * row + c, to + c);
  }
}

// @ts-ignore: decorator
@inline
function rows4x8(o: i32, step: usize, h0: usize, h1: usize, h2: usize, h3: usize, w0: usize, w1: usize, w2: usize, w3: usize, b0: usize, b1: usize, b2: usize, b3: usize, out0: usize, out1: usize, out2: usize, out3: usize): void {
  let s00 = v128.load(b0), s01 = v128.load(b0, 16), s10 = v128.load(b1), s11 = v128.load(b1, 16);
  let s20 = v128.load(b2), s21 = v128.load(b2, 16), s30 = v128.load(b3), s31 = v128.load(b3, 16);
  for (const end = h0 + ((<usize>o) << 2); h0 < end; h0 += 4, h1 += 4, h2 += 4, h3 += 4, w0 += step, w1 += step, w2 += step, w3 += step) {
    const x0 = v128.load32_splat(h0), x1 = v128.load32_splat(h1), x2 = v128.load32_splat(h2), x3 = v128.load32_splat(h3);
    s00 = f32x4.add(s00, f32x4.mul(x0, v128.load(w0)));
    s01 = f32x4.add(s01, f32x4.mul(x0, v128.load(w0, 16)));
    s10 = f32x4.add(s10, f32x4.mul(x1, v128.load(w1)));
    s11 = f32x4.add(s11, f32x4.mul(x1, v128.load(w1, 16)));
    s20 = f32x4.add(s20, f32x4.mul(x2, v128.load(w2)));
    s21 = f32x4.add(s21, f32x4.mul(x2, v128.load(w2, 16)));
    s30 = f32x4.add(s30, f32x4.mul(x3, v128.load(w3)));
    s31 = f32x4.add(s31, f32x4.mul(x3, v128.load(w3, 16)));
  }
  v128.store(out0, s00); v128.store(out0, s01, 16);
  v128.store(out1, s10); v128.store(out1, s11, 16);
  v128.store(out2, s20); v128.store(out2, s21, 16);
  v128.store(out3, s30); v128.store(out3, s31, 16);
}

function rows4x4(o: i32, step: usize, h0: usize, h1: usize, h2: usize, h3: usize, w0: usize, w1: usize, w2: usize, w3: usize, b0: usize, b1: usize, b2: usize, b3: usize, out0: usize, out1: usize, out2: usize, out3: usize): void {
  let s0 = v128.load(b0), s1 = v128.load(b1), s2 = v128.load(b2), s3 = v128.load(b3);
  for (const end = h0 + ((<usize>o) << 2); h0 < end; h0 += 4, h1 += 4, h2 += 4, h3 += 4, w0 += step, w1 += step, w2 += step, w3 += step) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load32_splat(h0), v128.load(w0)));
    s1 = f32x4.add(s1, f32x4.mul(v128.load32_splat(h1), v128.load(w1)));
    s2 = f32x4.add(s2, f32x4.mul(v128.load32_splat(h2), v128.load(w2)));
    s3 = f32x4.add(s3, f32x4.mul(v128.load32_splat(h3), v128.load(w3)));
  }
  v128.store(out0, s0); v128.store(out1, s1); v128.store(out2, s2); v128.store(out3, s3);
}
