import { decodeRows, encodeRows } from './conversions.js';

/**
 * Numbers as whole multiples of a scale, at most `levels` of them either way. A scale is that of `group` numbers that follow each other:
 * the largest of them is `levels` steps.
 */
export const LEVELS = { int8: 127, int4: 7 } as const;

/** Scales that the numbers of a tensor are multiples of: one for each group. */
export type Grid = { readonly group: number; readonly scales: Float32Array };

/** Of |values| from `first` to `end`; NaN where one is NaN. */
const largestOf = (values: Float32Array, first: number, end: number): number => {
  let largest = 0;
  for (let i = first; i < end; i++) {
    const size = Math.abs(values[i]!);
    if (size > largest || Number.isNaN(size)) largest = size;
  }
  return largest;
};

/** The scale of each group, from `scales[firstGroup]` on. The last group may be a short one. */
export const findScales = (values: Float32Array, group: number, levels: number, scales: Float32Array, firstGroup = 0): void => {
  for (let start = 0, at = firstGroup; start < values.length; start += group, at++) {
    scales[at] = Math.fround(largestOf(values, start, Math.min(start + group, values.length)) / levels);
  }
};

/** To the nearest step, a tie upwards. */
const NEAREST = (): number => 0.5;

/**
 * Steps of each number: ⌊x / scale + draw()⌋. With a uniform draw from [0, 1), their mean is x / scale: stochastic rounding (Alistarh et al.,
 * "QSGD", NeurIPS 2017, section 3.1). All are 0 where a scale is not above 0.
 */
export const roundToSteps = (
  values: Float32Array,
  group: number,
  levels: number,
  scales: Float32Array,
  firstGroup = 0,
  draw: () => number = NEAREST,
): Int8Array<ArrayBuffer> => {
  const out = new Int8Array(values.length);
  for (let start = 0, at = firstGroup; start < values.length; start += group, at++) {
    const scale = scales[at]!;
    if (!(scale > 0)) continue;
    const end = Math.min(start + group, values.length);
    for (let i = start; i < end; i++) {
      // Math.round, which is slower, differs for no quotient of two float32.
      const steps = Math.floor(values[i]! / scale + draw());
      out[i] = steps > levels ? levels : steps < -levels ? -levels : steps;
    }
  }
  return out;
};

/** Scales, from `scales[firstGroup]` on, and steps of whole groups. To the nearest step, a tie upwards. */
export const nearestSteps = (values: Float32Array, group: number, levels: number, scales: Float32Array, firstGroup: number): Int8Array => {
  const out = new Int8Array(values.length);
  if (encodeRows(values, group, levels, scales.subarray(firstGroup, firstGroup + values.length / group), out)) return out;
  findScales(values, group, levels, scales, firstGroup);
  return roundToSteps(values, group, levels, scales, firstGroup);
};

/** `out` = steps · scale. */
export const fromSteps = (steps: Int8Array, grid: Grid, out: Float32Array): void => {
  if (!decodeRows(steps, grid.group, grid.scales, out)) fromStepsPlain(steps, grid, out);
};

/** The definition: kernels do the same to many numbers (conversions.ts). */
export const fromStepsPlain = (steps: Int8Array, { group, scales }: Grid, out: Float32Array): void => {
  for (let at = 0, start = 0; start < out.length; at++, start += group) {
    const scale = scales[at]!;
    const end = Math.min(start + group, out.length);
    for (let i = start; i < end; i++) out[i] = steps[i]! * scale;
  }
};

/** Two to a byte, the first in its low half. */
export const packHalves = (steps: Int8Array | Uint8Array): Uint8Array<ArrayBuffer> => {
  const out = new Uint8Array((steps.length + 1) >> 1);
  for (let i = 0; i < steps.length; i++) out[i >> 1]! |= (steps[i]! & 15) << ((i & 1) << 2);
  return out;
};

/** The first `count` of them, with their signs. */
export const unpackHalves = (bytes: Uint8Array, count: number): Int8Array<ArrayBuffer> => {
  const out = new Int8Array(count);
  for (let i = 0; i < count; i++) out[i] = ((bytes[i >> 1]! >> ((i & 1) << 2)) << 28) >> 28;
  return out;
};
