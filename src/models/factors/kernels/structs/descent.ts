// Hyperparameters of the factor kernels, f64: at which element each field lies. Two compilers read this file, tsc and AssemblyScript: it
// holds whole numbers, and nothing else.

/** Added to each prediction. */
export const mean = 0;
export const rate = 1;
/** L2 weights. */
export const decay = 2;
export const biasDecay = 3;
export const implicitDecay = 4;
