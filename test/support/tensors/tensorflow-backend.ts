import type { TestContext } from 'vitest';
import { loadTensorflow, type Tensorflow } from '../../../src/tensor/tfjs.js';

export const BACKENDS = ['wasm', 'node'] as const;
export type Backend = (typeof BACKENDS)[number];

/** The backend, or a skipped test that says why: the native one is an optional dependency. */
export const backendOrSkip = async (ctx: TestContext, backend: Backend): Promise<Tensorflow> => {
  if (backend === 'wasm') return (await loadTensorflow('wasm')).tf;
  try {
    return (await loadTensorflow('node')).tf;
  } catch (error) {
    return ctx.skip((error as Error).message);
  }
};
