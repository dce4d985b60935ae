// The SIMD side of ../interaction-kernels.ts, whose comments are the specification; names and argument order are the same.
export { gatherPairs, outputPairs, outputPairsBackward, scatterPairs, stepRows } from './pairs';
