// The SIMD side of ../generation-kernels.ts and ../factored-kernels.ts, whose comments are the specification.
// Names and argument order are the same.
export { pairUnits } from './pairs';
export { generateItems, generateRows } from './generate';
export { backwardRows } from './backward';
export { predictFactored, backwardFactored } from './factored';
