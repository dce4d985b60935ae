// Every element of C is summed in order of p, one product at a time, in every tile.
// So a caller may cut m or n anywhere and gets the same bits.
import * as Form from '../structs/form';
import { countAt } from './structs';

/**
 * Depth of one panel of B. Its rows lie on as many pages, which should fit the first-level TLB (64 entries on Zen).
 * They should also fit their sets of L1. Rows that are a power of two apart fall into few sets: those of hidden layers, or columns of A.
 */
// @ts-ignore: decorator
@inline
function panelDepth(step: usize): i32 {
  return step & 1023 ? 64 : step & 2047 ? 32 : 16;
}

export function gemm(m: i32, n: i32, k: i32, a: usize, b: usize, c: usize, bias: usize, form: usize): void {
  const aRows = (<usize>countAt(form, Form.aRow)) << 2, aStep = (<usize>countAt(form, Form.aCol)) << 2;
  const bStep = (<usize>countAt(form, Form.bRow)) << 2, cRows = (<usize>countAt(form, Form.cRow)) << 2, accumulate = countAt(form, Form.accumulate);
  const most = min(panelDepth(aStep), panelDepth(bStep));
  // Panels outside, rows inside: 64 × 16 numbers of B (4 KiB) stay in L1 while all rows of A pass over them.
  for (let j = 0; j < n; j += 16) {
    const width = min(16, n - j), shift = (<usize>j) << 2;
    if (!accumulate || bias) begin(m, width, c + shift, cRows, bias ? bias + shift : 0, accumulate);
    for (let p = 0; p < k; p += most) {
      const depth = min(most, k - p);
      panel(m, width, depth, a + <usize>p * aStep, aRows, aStep, b + <usize>p * bStep + shift, bStep, c + shift, cRows);
    }
  }
}

/** Writes the start of the sums: the bias, or zero, or C [+ bias]. */
function begin(m: i32, width: i32, c: usize, cRows: usize, bias: usize, accumulate: i32): void {
  for (let i = 0; i < m; i++, c += cRows) {
    for (let j: usize = 0, end = (<usize>width) << 2; j < end; j += 4) {
      const start = bias ? load<f32>(bias + j) : <f32>0;
      store<f32>(c + j, accumulate ? load<f32>(c + j) + start : start);
    }
  }
}

function panel(m: i32, width: i32, depth: i32, a: usize, aRows: usize, aStep: usize, b: usize, bStep: usize, c: usize, cRows: usize): void {
  if (width == 16) {
    let i = 0;
    for (; i + 2 <= m; i += 2, a += aRows << 1, c += cRows << 1) tile2x16(depth, a, a + aRows, aStep, b, bStep, c, c + cRows);
    if (i < m) tile1x16(depth, a, aStep, b, bStep, c);
    return;
  }
  let j = 0;
  for (; j + 4 <= width; j += 4, b += 16, c += 16) {
    let i = 0, ai = a, ci = c;
    for (; i + 4 <= m; i += 4, ai += aRows << 2, ci += cRows << 2) tile4x4(depth, ai, aRows, aStep, b, bStep, ci, cRows);
    for (; i < m; i++, ai += aRows, ci += cRows) tile1x4(depth, ai, aStep, b, bStep, ci);
  }
  for (; j < width; j++, b += 4, c += 4) {
    let i = 0, ai = a, ci = c;
    for (; i + 4 <= m; i += 4, ai += aRows << 2, ci += cRows << 2) tile4x1(depth, ai, aRows, aStep, b, bStep, ci, cRows);
    for (; i < m; i++, ai += aRows, ci += cRows) tile1x1(depth, ai, aStep, b, bStep, ci);
  }
}

/** Most products run in this tile. It has 8 accumulators: V8 does not keep more in registers together with their operands. */
function tile2x16(depth: i32, a0: usize, a1: usize, aStep: usize, b: usize, bStep: usize, c0: usize, c1: usize): void {
  let s00 = v128.load(c0), s01 = v128.load(c0, 16), s02 = v128.load(c0, 32), s03 = v128.load(c0, 48);
  let s10 = v128.load(c1), s11 = v128.load(c1, 16), s12 = v128.load(c1, 32), s13 = v128.load(c1, 48);
  for (; depth; depth--, a0 += aStep, a1 += aStep, b += bStep) {
    const b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
    const x0 = v128.load32_splat(a0);
    s00 = f32x4.add(s00, f32x4.mul(x0, b0));
    s01 = f32x4.add(s01, f32x4.mul(x0, b1));
    s02 = f32x4.add(s02, f32x4.mul(x0, b2));
    s03 = f32x4.add(s03, f32x4.mul(x0, b3));
    const x1 = v128.load32_splat(a1);
    s10 = f32x4.add(s10, f32x4.mul(x1, b0));
    s11 = f32x4.add(s11, f32x4.mul(x1, b1));
    s12 = f32x4.add(s12, f32x4.mul(x1, b2));
    s13 = f32x4.add(s13, f32x4.mul(x1, b3));
  }
  v128.store(c0, s00); v128.store(c0, s01, 16); v128.store(c0, s02, 32); v128.store(c0, s03, 48);
  v128.store(c1, s10); v128.store(c1, s11, 16); v128.store(c1, s12, 32); v128.store(c1, s13, 48);
}

function tile1x16(depth: i32, a: usize, aStep: usize, b: usize, bStep: usize, c: usize): void {
  let s0 = v128.load(c), s1 = v128.load(c, 16), s2 = v128.load(c, 32), s3 = v128.load(c, 48);
  for (; depth; depth--, a += aStep, b += bStep) {
    const x = v128.load32_splat(a);
    s0 = f32x4.add(s0, f32x4.mul(x, v128.load(b)));
    s1 = f32x4.add(s1, f32x4.mul(x, v128.load(b, 16)));
    s2 = f32x4.add(s2, f32x4.mul(x, v128.load(b, 32)));
    s3 = f32x4.add(s3, f32x4.mul(x, v128.load(b, 48)));
  }
  v128.store(c, s0); v128.store(c, s1, 16); v128.store(c, s2, 32); v128.store(c, s3, 48);
}

function tile4x4(depth: i32, a: usize, aRows: usize, aStep: usize, b: usize, bStep: usize, c: usize, cRows: usize): void {
  let a1 = a + aRows, a2 = a1 + aRows, a3 = a2 + aRows;
  const c1 = c + cRows, c2 = c1 + cRows, c3 = c2 + cRows;
  let s0 = v128.load(c), s1 = v128.load(c1), s2 = v128.load(c2), s3 = v128.load(c3);
  for (; depth; depth--, a += aStep, a1 += aStep, a2 += aStep, a3 += aStep, b += bStep) {
    const y = v128.load(b);
    s0 = f32x4.add(s0, f32x4.mul(v128.load32_splat(a), y));
    s1 = f32x4.add(s1, f32x4.mul(v128.load32_splat(a1), y));
    s2 = f32x4.add(s2, f32x4.mul(v128.load32_splat(a2), y));
    s3 = f32x4.add(s3, f32x4.mul(v128.load32_splat(a3), y));
  }
  v128.store(c, s0); v128.store(c1, s1); v128.store(c2, s2); v128.store(c3, s3);
}

function tile1x4(depth: i32, a: usize, aStep: usize, b: usize, bStep: usize, c: usize): void {
  let s = v128.load(c);
  for (; depth; depth--, a += aStep, b += bStep) s = f32x4.add(s, f32x4.mul(v128.load32_splat(a), v128.load(b)));
  v128.store(c, s);
}

function tile4x1(depth: i32, a: usize, aRows: usize, aStep: usize, b: usize, bStep: usize, c: usize, cRows: usize): void {
  let a1 = a + aRows, a2 = a1 + aRows, a3 = a2 + aRows;
  const c1 = c + cRows, c2 = c1 + cRows, c3 = c2 + cRows;
  let s0 = load<f32>(c), s1 = load<f32>(c1), s2 = load<f32>(c2), s3 = load<f32>(c3);
  for (; depth; depth--, a += aStep, a1 += aStep, a2 += aStep, a3 += aStep, b += bStep) {
    const y = load<f32>(b);
    s0 += load<f32>(a) * y;
    s1 += load<f32>(a1) * y;
    s2 += load<f32>(a2) * y;
    s3 += load<f32>(a3) * y;
  }
  store<f32>(c, s0); store<f32>(c1, s1); store<f32>(c2, s2); store<f32>(c3, s3);
}

function tile1x1(depth: i32, a: usize, aStep: usize, b: usize, bStep: usize, c: usize): void {
  let s = load<f32>(c);
  for (; depth; depth--, a += aStep, b += bStep) s += load<f32>(a) * load<f32>(b);
  store<f32>(c, s);
}

export function transpose(rows: i32, columns: i32, a: usize, out: usize, outRow: i32): void {
  const aRow = (<usize>columns) << 2, outRows = (<usize>outRow) << 2;
  // Sixteen columns at a time: one cache line of each input row, and 16 output rows that L1 holds until they are full.
  for (let j0 = 0; j0 < columns; j0 += 16) {
    const last = min(j0 + 16, columns);
    let i = 0;
    for (; i + 4 <= rows; i += 4) {
      let j = j0;
      for (; j + 4 <= last; j += 4) transpose4x4(a + <usize>i * aRow + ((<usize>j) << 2), aRow, out + <usize>j * outRows + ((<usize>i) << 2), outRows);
      for (; j < last; j++) for (let q = i; q < i + 4; q++) move(q, j, a, aRow, out, outRows);
    }
    for (; i < rows; i++) for (let j = j0; j < last; j++) move(i, j, a, aRow, out, outRows);
  }
}

// @ts-ignore: decorator
@inline
function move(i: i32, j: i32, a: usize, aRow: usize, out: usize, outRow: usize): void {
  store<f32>(out + <usize>j * outRow + ((<usize>i) << 2), load<f32>(a + <usize>i * aRow + ((<usize>j) << 2)));
}

// @ts-ignore: decorator
@inline
function transpose4x4(a: usize, aRow: usize, out: usize, outRow: usize): void {
  const r0 = v128.load(a), r1 = v128.load(a + aRow), r2 = v128.load(a + aRow * 2), r3 = v128.load(a + aRow * 3);
  const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5), high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
  v128.store(out + outRow, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
  v128.store(out + outRow * 2, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
  v128.store(out + outRow * 3, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
}
