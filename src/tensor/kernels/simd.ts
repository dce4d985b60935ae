import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { MetafleetError, messageOf } from '../../base/errors.js';
import type { KernelSet, Kernels } from './kernels.js';

let compiled: WebAssembly.Module | undefined;

/** Compiled once per thread. V8 shares the machine code between the threads of a process. */
const kernelModule = (): WebAssembly.Module => {
  if (compiled === undefined) {
    const file = createRequire(import.meta.url).resolve('#built/src/tensor/kernels.wasm');
    try {
      compiled = new WebAssembly.Module(readFileSync(file));
    } catch (cause) {
      throw new MetafleetError('CAPABILITY', `SIMD kernels: cannot load ${file}: ${messageOf(cause)}`, { cause });
    }
  }
  return compiled;
};

/**
 * The kernels of all assembly/ folders on one shared memory. The type argument names those that the caller uses.
 * Each thread may hold its own instance on the same memory. A pointer outside the memory traps (WebAssembly.RuntimeError).
 * @throws MetafleetError CAPABILITY when the module is not built or this machine cannot compile it.
 */
export const simdKernels = <All extends KernelSet = Kernels>(memory: WebAssembly.Memory): All =>
  new WebAssembly.Instance(kernelModule(), { env: { memory } }).exports as All;
