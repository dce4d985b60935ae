import type { Arena, Pointer } from '../memory/arena.js';
import { sizeOf } from '../memory/struct.js';
import * as Hyper from '../structs/hyper.js';

/** Settings of one step. `decay`: L2 in the gradient. `scale` multiplies the gradient. Default: 0 and 1. */
export type AdamSettings = { readonly rate: number; readonly decay?: number; readonly scale?: number };

const BETA_1 = 0.9;
const BETA_2 = 0.999;
const EPSILON = 1e-8;
/** A float64, in elements of an arena. */
const DOUBLE = 2;

/**
 * The hyperparameters of Adam (Kingma & Ba, 2015) for a caller that calls its kernels itself: β1 0.9, β2 0.999, ε 1e-8.
 * `write` fills them for step t, counted from 1, and returns the pointer that kernels take. The next `write` overwrites them.
 */
export const createAdamHyper = (arena: Arena): { write(step: number, settings: AdamSettings): Pointer } => {
  const pointer = arena.allocate(DOUBLE * sizeOf(Hyper));
  return {
    write: (step, { rate, decay = 0, scale = 1 }) => {
      const view = arena.f64(pointer, sizeOf(Hyper));
      view[Hyper.scale] = scale;
      view[Hyper.rate] = rate / (1 - BETA_1 ** step);
      view[Hyper.decay] = decay;
      view[Hyper.decoupled] = 0;
      view[Hyper.epsilon] = EPSILON;
      view[Hyper.correction] = 1 / Math.sqrt(1 - BETA_2 ** step);
      view[Hyper.beta1] = BETA_1;
      view[Hyper.beta2] = BETA_2;
      return pointer;
    },
  };
};
