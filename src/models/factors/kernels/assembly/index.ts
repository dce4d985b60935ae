// The SIMD side of ../factor-kernels.ts, whose comments are the specification; names and argument order are the same.
export { descendFactors, implicitUsers } from './descend';
export { descendPairs } from './pairs';
export { multiplyFactors } from './multiply';
