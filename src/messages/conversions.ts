import { bytesOf } from '../base/views.js';
import { probeFeatures } from '../tensor/kernels/probe.js';
import { simdKernels } from '../tensor/kernels/simd.js';

/**
 * Conversions of many numbers by the kernels in assembly/, block by block in a small memory of each thread. They give the bits of float16.ts and
 * rounding.ts, which do the rest: few numbers, odd sizes, machines without SIMD.
 */
type Kernels = {
  readonly encodeHalves: (count: number, x: number, out: number) => void;
  readonly decodeHalves: (count: number, x: number, out: number) => void;
  readonly scaleRows: (rows: number, width: number, levels: number, x: number, scales: number) => void;
  readonly roundRows: (rows: number, width: number, levels: number, x: number, scales: number, out: number) => void;
  readonly spreadRows: (rows: number, width: number, x: number, scales: number, out: number) => void;
};

type Room = { readonly kernels: Kernels; readonly bytes: Uint8Array };

/** Numbers of a block: it stays in the second-level cache. */
const BLOCK = 16_384;
/** A copy to and from the memory costs more than it gains for fewer. */
const LEAST = 128;
const PAGE = 65_536;
/** Where the input, the output and the scales of a block begin. */
const [INPUT, OUTPUT, SCALES] = [PAGE, 3 * PAGE, 5 * PAGE];
const PAGES = 6;

let room: Room | null | undefined;

const roomOf = (): Room | null => {
  if (room === undefined) {
    const { simd, threads } = probeFeatures();
    if (simd && threads) {
      const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true });
      room = { kernels: simdKernels<Kernels>(memory), bytes: new Uint8Array(memory.buffer) };
    } else room = null;
  }
  return room;
};

/** Copies to about `at`; returns where. V8 copies shared memory by words only where both lie alike in words of 8 bytes. */
const put = ({ bytes }: Room, view: Uint8Array, at: number): number => {
  const start = at + (view.byteOffset & 7);
  bytes.set(view, start);
  return start;
};

/** Where a kernel writes what then goes to `view`. */
const placeFor = (view: Uint8Array): number => OUTPUT + (view.byteOffset & 7);
const take = ({ bytes }: Room, at: number, view: Uint8Array): void => view.set(bytes.subarray(at, at + view.length));

/** Encodes the first numbers as halves; returns how many. */
export const encodeHalves = (values: Float32Array, out: Uint16Array): number => {
  const count = values.length & ~7;
  const found = count < LEAST ? null : roomOf();
  if (found === null) return 0;
  const [from, to] = [bytesOf(values), bytesOf(out)];
  for (let at = 0; at < count; at += BLOCK) {
    const end = Math.min(at + BLOCK, count);
    const target = to.subarray(2 * at, 2 * end);
    const place = placeFor(target);
    found.kernels.encodeHalves(end - at, put(found, from.subarray(4 * at, 4 * end), INPUT), place);
    take(found, place, target);
  }
  return count;
};

/** Decodes the first halves; returns how many. */
export const decodeHalves = (halves: Uint8Array, out: Float32Array): number => {
  const count = out.length & ~7;
  const found = count < LEAST ? null : roomOf();
  if (found === null) return 0;
  const to = bytesOf(out);
  for (let at = 0; at < count; at += BLOCK) {
    const end = Math.min(at + BLOCK, count);
    const target = to.subarray(4 * at, 4 * end);
    const place = placeFor(target);
    found.kernels.decodeHalves(end - at, put(found, halves.subarray(2 * at, 2 * end), INPUT), place);
    take(found, place, target);
  }
  return count;
};

/** Memory for rows of this width, if the kernels can do them. */
const roomForRows = (count: number, width: number): Room | null =>
  count < LEAST || width % 4 !== 0 || width > BLOCK || width === 0 ? null : roomOf();

/** Scales of rows, and their steps; returns whether it was done. */
export const encodeRows = (values: Float32Array, width: number, levels: number, scales: Float32Array, out: Int8Array): boolean => {
  const found = roomForRows(values.length, width);
  if (found === null) return false;
  const { kernels } = found;
  const block = Math.floor(BLOCK / width);
  const rows = values.length / width;
  const [from, to, toScales] = [bytesOf(values), bytesOf(out), bytesOf(scales)];
  for (let row = 0; row < rows; row += block) {
    const end = Math.min(row + block, rows);
    const target = to.subarray(width * row, width * end);
    const place = placeFor(target);
    const x = put(found, from.subarray(4 * width * row, 4 * width * end), INPUT);
    const scaleBytes = toScales.subarray(4 * row, 4 * end);
    const ofScales = SCALES + (scaleBytes.byteOffset & 7);
    kernels.scaleRows(end - row, width, levels, x, ofScales);
    kernels.roundRows(end - row, width, levels, x, ofScales, place);
    take(found, place, target);
    take(found, ofScales, scaleBytes);
  }
  return true;
};

/** out = steps · scale; returns whether it was done. */
export const decodeRows = (steps: Int8Array, width: number, scales: Float32Array, out: Float32Array): boolean => {
  const found = roomForRows(out.length, width);
  if (found === null || out.length % width !== 0) return false;
  const block = Math.floor(BLOCK / width);
  const rows = out.length / width;
  const [from, fromScales, to] = [bytesOf(steps), bytesOf(scales), bytesOf(out)];
  for (let row = 0; row < rows; row += block) {
    const end = Math.min(row + block, rows);
    const target = to.subarray(4 * width * row, 4 * width * end);
    const place = placeFor(target);
    const x = put(found, from.subarray(width * row, width * end), INPUT);
    found.kernels.spreadRows(end - row, width, x, put(found, fromScales.subarray(4 * row, 4 * end), SCALES), place);
    take(found, place, target);
  }
  return true;
};
