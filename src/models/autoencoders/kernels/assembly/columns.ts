// 2 KB of V or W stay in L1 while all cells of the column are visited. The hidden units of the batch (1 MB) come from L2.
import { adam } from '../../../../tensor/assembly/adam';
import { countAt, pointerAt, realAt } from '../../../../tensor/assembly/structs';
import * as Hyper from '../../../../tensor/structs/hyper';
import * as Columns from '../structs/columns';

export function encodeColumns(job: usize, first: i32, count: i32): void {
  const block = (<usize>countAt(job, Columns.width)) << 2;
  const starts = pointerAt(job, Columns.starts), slots = pointerAt(job, Columns.slot), inputs = pointerAt(job, Columns.input);
  const hidden = pointerAt(job, Columns.hidden), v = pointerAt(job, Columns.encoder);
  for (let c = <usize>first, last = c + <usize>count; c < last; c++) {
    for (let at = startAt(starts, c), end = startAt(starts, c + 1); at < end; at += 4) {
      addScaled(block, load<f32>(inputs + at), v + c * block, hidden + <usize>load<u32>(slots + at) * block);
    }
  }
}

export function stepDecoderColumns(job: usize, first: i32, count: i32, hyper: usize): f64 {
  const width = countAt(job, Columns.width), block = (<usize>width) << 2;
  const starts = pointerAt(job, Columns.starts), slots = pointerAt(job, Columns.slot), values = pointerAt(job, Columns.value);
  const hidden = pointerAt(job, Columns.hidden), slopes = pointerAt(job, Columns.slopes), g = pointerAt(job, Columns.work);
  const w = pointerAt(job, Columns.decoder), m = pointerAt(job, Columns.decoderMoment), v = pointerAt(job, Columns.decoderVariance);
  const bias = pointerAt(job, Columns.bias), biasMoment = pointerAt(job, Columns.biasMoment), biasVariance = pointerAt(job, Columns.biasVariance);
  let loss = 0.0;
  for (let c = <usize>first, last = c + <usize>count; c < last; c++) {
    const one = c << 2, row = c * block, at = startAt(starts, c), end = startAt(starts, c + 1);
    const start = load<f32>(bias + one);
    let sum: f32 = 0;
    if (at < end) memory.fill(g, 0, block);
    for (let cell = at; cell < end; cell += 4) {
      const place = <usize>load<u32>(slots + cell) * block;
      const error = start + product(block, w + row, hidden + place) - load<f32>(values + cell);
      loss += <f64>error * <f64>error;
      sum += error;
      addTwice(block, error, w + row, slopes + place, hidden + place, g);
    }
    adam(width, w + row, m + row, v + row, at < end ? g : 0, hyper);
    stepBias(sum, bias + one, biasMoment + one, biasVariance + one, hyper);
  }
  return loss;
}

export function stepEncoderColumns(job: usize, first: i32, count: i32, hyper: usize): void {
  const width = countAt(job, Columns.width), block = (<usize>width) << 2;
  const starts = pointerAt(job, Columns.starts), slots = pointerAt(job, Columns.slot), inputs = pointerAt(job, Columns.input);
  const slopes = pointerAt(job, Columns.slopes), g = pointerAt(job, Columns.work);
  const w = pointerAt(job, Columns.encoder), m = pointerAt(job, Columns.encoderMoment), v = pointerAt(job, Columns.encoderVariance);
  for (let c = <usize>first, last = c + <usize>count; c < last; c++) {
    const row = c * block, at = startAt(starts, c), end = startAt(starts, c + 1);
    if (at < end) memory.fill(g, 0, block);
    for (let cell = at; cell < end; cell += 4) addScaled(block, load<f32>(inputs + cell), slopes + <usize>load<u32>(slots + cell) * block, g);
    adam(width, w + row, m + row, v + row, at < end ? g : 0, hyper);
  }
}

// @ts-ignore: decorator
@inline
function startAt(starts: usize, column: usize): usize {
  return (<usize>load<u32>(starts + (column << 2))) << 2;
}

/** Adam of one number without decay. */
function stepBias(g: f32, w: usize, m: usize, v: usize, hyper: usize): void {
  const beta1 = realAt(hyper, Hyper.beta1), beta2 = realAt(hyper, Hyper.beta2), slope = g * <f32>realAt(hyper, Hyper.scale);
  const moment = <f32>beta1 * load<f32>(m) + <f32>(1.0 - beta1) * slope, variance = <f32>beta2 * load<f32>(v) + <f32>(1.0 - beta2) * (slope * slope);
  store<f32>(m, moment);
  store<f32>(v, variance);
  const root = sqrt<f32>(variance) * <f32>realAt(hyper, Hyper.correction) + <f32>realAt(hyper, Hyper.epsilon);
  store<f32>(w, load<f32>(w) - <f32>realAt(hyper, Hyper.rate) * moment / root);
}

/** y += scale · x. */
// @ts-ignore: decorator
@inline
function addScaled(block: usize, scale: f32, x: usize, y: usize): void {
  const four = f32x4.splat(scale);
  for (const end = x + block; x < end; x += 16, y += 16) v128.store(y, f32x4.add(v128.load(y), f32x4.mul(four, v128.load(x))));
}

/** y += scale · x and q += scale · p, in one pass. */
// @ts-ignore: decorator
@inline
function addTwice(block: usize, scale: f32, x: usize, y: usize, p: usize, q: usize): void {
  const four = f32x4.splat(scale);
  for (const end = x + block; x < end; x += 16, y += 16, p += 16, q += 16) {
    v128.store(y, f32x4.add(v128.load(y), f32x4.mul(four, v128.load(x))));
    v128.store(q, f32x4.add(v128.load(q), f32x4.mul(four, v128.load(p))));
  }
}

// @ts-ignore: decorator
@inline
function product(block: usize, x: usize, y: usize): f32 {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
  const end = x + block, whole = x + (block & ~63);
  for (; x < whole; x += 64, y += 64) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(x), v128.load(y)));
    s1 = f32x4.add(s1, f32x4.mul(v128.load(x, 16), v128.load(y, 16)));
    s2 = f32x4.add(s2, f32x4.mul(v128.load(x, 32), v128.load(y, 32)));
    s3 = f32x4.add(s3, f32x4.mul(v128.load(x, 48), v128.load(y, 48)));
  }
  for (; x < end; x += 16, y += 16) s0 = f32x4.add(s0, f32x4.mul(v128.load(x), v128.load(y)));
  const s = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
  return f32x4.extract_lane(s, 0) + f32x4.extract_lane(s, 1) + (f32x4.extract_lane(s, 2) + f32x4.extract_lane(s, 3));
}
