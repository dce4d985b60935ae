// Hyperparameters of one step of weights, float64, for every rule: the element of each.
// Two compilers read this file, tsc and AssemblyScript. It holds whole numbers, and nothing else.

/** Multiplies the gradient. Kernels do not read it without a gradient. */
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
/** Momentum, in places that Adam uses for others. */
export const factor = 6;
export const nesterov = 7;
