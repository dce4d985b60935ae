// Hyperparameters of one step of weights, float64, for every rule: at which element each lies. Two compilers read this file, tsc and
// AssemblyScript: it holds whole numbers, and nothing else.

/** Multiplies the gradient; without one it is not read. */
export const scale = 0;
export const rate = 1;
/** λ, or learning rate · λ where `decoupled` is 1. */
export const decay = 2;
export const decoupled = 3;
/** Adam and Adagrad. */
export const epsilon = 4;
/** Adam: 1/√(1−β2ᵗ). */
export const correction = 5;
export const beta1 = 6;
export const beta2 = 7;
/** Momentum, where Adam has others. */
export const factor = 6;
export const nesterov = 7;
