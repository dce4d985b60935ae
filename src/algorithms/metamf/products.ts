import { placeForm } from '../../tensor/kernels/gemm-tasks.js';
import type { Arena, Pointer } from '../../tensor/memory/arena.js';
import type { MetaMFOptions } from './options.js';

/**
 * How the matrices of the meta network's products lie (structs/form.ts). Each product has a struct in the core's memory.
 * The strides follow from the sizes alone, never from the cohort. So the structs are written once.
 */
export type Products = {
  /** c = E·M;  dM += Eᵀ·dc;  dE += dc·Mᵀ, from M transposed. */
  readonly collaborative: Pointer;
  readonly dMemoryMatrix: Pointer;
  readonly dEmbedded: Pointer;
};

export type BranchProducts = {
  /** h_x = c·W_x + b_x;  dense_x = h_x·W + b. */
  readonly hidden: Pointer;
  readonly dense: Pointer;
  /** dW += h_xᵀ·d;  dh_x = d·Wᵀ, from W transposed. */
  readonly dGenerator: Pointer;
  readonly dHidden: Pointer;
  /** dW_x += cᵀ·dz;  dc = dz·W_xᵀ, from W_x transposed. The first branch overwrites dc, and the others add to it. */
  readonly dWeights: Pointer;
  readonly dCollaborative: Pointer;
};

/**
 * One cache line more than a row of so many elements.
 * Rows that are a power of two apart fall into few sets of L1, and products with them take a fifth longer.
 */
export const strideOf = (row: number): number => row + 16;

export const placeProducts = (core: Arena, { userEmbedding: du, collaborative: k }: MetaMFOptions): Products => ({
  collaborative: placeForm(core, [du, 1], k, k),
  dMemoryMatrix: placeForm(core, [1, du], k, k, true),
  dEmbedded: placeForm(core, [k, 1], strideOf(du), du, true),
});

export const placeBranchProducts = (core: Arena, k: number, units: number, outputs: number, isFirst: boolean): BranchProducts => ({
  hidden: placeForm(core, [k, 1], units, units),
  dense: placeForm(core, [units, 1], outputs, outputs),
  dGenerator: placeForm(core, [1, units], outputs, outputs, true),
  dHidden: placeForm(core, [outputs, 1], strideOf(units), units),
  dWeights: placeForm(core, [1, k], units, units, true),
  dCollaborative: placeForm(core, [units, 1], strideOf(k), k, !isFirst),
});
