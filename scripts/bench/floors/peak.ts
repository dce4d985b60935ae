/**
 * What one core can do in f32x4 at all: twelve independent chains acc = (acc + x)·y in registers, no memory. Fixed-width SIMD has no
 * fused multiply-add, so a multiplication and an addition are two instructions; twelve chains cover both latencies.
 */
const CHAINS = 12;
const UNROLLED = 4;
const LANES = 4;

const leb = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)]);
const sized = (bytes: readonly number[]): number[] => [...leb(bytes.length), ...bytes];
const section = (id: number, bytes: readonly number[]): number[] => [id, ...sized(bytes)];
const repeated = (count: number, bytes: (index: number) => number[]): number[] => Array.from({ length: count }, (_, i) => bytes(i)).flat();

const I32 = 0x7f;
const F32 = 0x7d;
const V128 = 0x7b;
const SIMD = 0xfd;
const getLocal = (index: number) => [0x20, index];
const setLocal = (index: number) => [0x21, index];
const teeLocal = (index: number) => [0x22, index];
const add = [SIMD, ...leb(0xe4)];
const multiply = [SIMD, ...leb(0xe6)];
const splat = (value: number) => [0x43, ...new Uint8Array(Float32Array.of(value).buffer), SIMD, 0x13];

/** (func (export "run") (param i32) (result f32)): parameter 0 counts down, locals 1 … CHAINS accumulate, then x and y. */
export const peakModule = (): Uint8Array<ArrayBuffer> => {
  const [x, y] = [CHAINS + 1, CHAINS + 2];
  const step = repeated(CHAINS, (i) => [...getLocal(i + 1), ...getLocal(x), ...add, ...getLocal(y), ...multiply, ...setLocal(i + 1)]);
  const countDown = [...getLocal(0), 0x41, 1, 0x6b, ...teeLocal(0)];
  const loop = [0x03, 0x40, ...repeated(UNROLLED, () => step), ...countDown, 0x0d, 0, 0x0b];
  // Different starts, or the compiler could compute one chain for all.
  const start = repeated(CHAINS, (i) => [...splat(i), ...setLocal(i + 1)]);
  const result = [...getLocal(1), ...repeated(CHAINS - 1, (i) => [...getLocal(i + 2), ...add]), SIMD, 0x1f, 0];
  const body = [...start, ...splat(1), ...setLocal(x), ...splat(0.5), ...setLocal(y), ...loop, ...result, 0x0b];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, I32, 1, F32]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...sized([...new TextEncoder().encode('run')]), 0, 0]),
    ...section(10, [1, ...sized([1, CHAINS + 2, V128, ...body])]),
  ]);
};

const ITERATIONS = 1_000_000;
export const PEAK_FLOP = ITERATIONS * UNROLLED * CHAINS * LANES * 2;

/** A contender that computes PEAK_FLOP operations. */
export const createPeak = (): (() => number) => {
  const { run } = new WebAssembly.Instance(new WebAssembly.Module(peakModule())).exports as { run(iterations: number): number };
  return () => {
    const start = performance.now();
    if (Number.isNaN(run(ITERATIONS))) throw new Error('peak: found NaN');
    return performance.now() - start;
  };
};
