import { MetafleetError } from '../../base/errors.js';
import type { KernelPool } from './kernels.js';

export type Implementation = KernelPool['implementation'];
export type WasmFeatures = { readonly simd: boolean; readonly threads: boolean };

/** (func (result v128) i32.const 0, i8x16.splat, i8x16.popcnt): valid only with fixed-width SIMD (as in wasm-feature-detect). */
const simdProbe = Uint8Array.of(
  0,
  97,
  115,
  109,
  1,
  0,
  0,
  0,
  1,
  5,
  1,
  96,
  0,
  1,
  123,
  3,
  2,
  1,
  0,
  10,
  10,
  1,
  8,
  0,
  65,
  0,
  253,
  15,
  253,
  98,
  11,
);
/** A shared memory and one i32.atomic.load: valid only with threads. */
const threadsProbe = Uint8Array.of(
  0,
  97,
  115,
  109,
  1,
  0,
  0,
  0,
  1,
  4,
  1,
  96,
  0,
  0,
  3,
  2,
  1,
  0,
  5,
  4,
  1,
  3,
  1,
  1,
  10,
  11,
  1,
  9,
  0,
  65,
  0,
  254,
  16,
  2,
  0,
  26,
  11,
);

/** What this machine's WebAssembly engine accepts. Node switches SIMD off on processors without SSE4.1. */
export const probeFeatures = (): WasmFeatures => ({ simd: WebAssembly.validate(simdProbe), threads: WebAssembly.validate(threadsProbe) });

/**
 * The kernels to use: SIMD where the machine has it, else the reference; `forced` overrides the choice.
 * @throws MetafleetError CAPABILITY when SIMD is forced and missing.
 */
export const chooseImplementation = (forced?: Implementation, features: WasmFeatures = probeFeatures()): Implementation => {
  const missing = [...(features.simd ? [] : ['SIMD']), ...(features.threads ? [] : ['threads'])];
  if (forced === 'simd' && missing.length > 0) {
    throw new MetafleetError(
      'CAPABILITY',
      `SIMD kernels: expected WebAssembly with SIMD and threads, found no ${missing.join(' and no ')}`,
    );
  }
  return forced ?? (missing.length > 0 ? 'reference' : 'simd');
};
